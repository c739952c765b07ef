"""Defenses: what a recommender can do so that its lists tell less of who was trained on."""
