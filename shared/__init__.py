"""What both services speak and know."""

__version__ = "0.1.0"
