"""Whole simulated worlds, both sides of them: cells, grids of cells, and the tables of the paper.

The experimenter knows the world's truth, because it made the world; the attack code that it calls does not.
"""
