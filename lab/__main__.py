"""`python -m lab` is `recleak`."""

from lab.cli import main

main()
