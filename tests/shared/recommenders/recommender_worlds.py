"""Small worlds whose right answers are known."""

import numpy as np

from shared.arrays import Histories
from shared.interactions import binary_matrix


def checkerboard(n: int = 16) -> tuple[Histories, np.ndarray]:
    """Even users like even items, odd users odd ones; user u lacks item u alone: it must be first."""
    likes = (np.arange(n)[:, None] + np.arange(n)[None, :]) % 2 == 0
    np.fill_diagonal(likes, False)
    return histories_of(likes), np.arange(n)


def random_world(n_users: int = 30, n_items: int = 40, *, density: float = 0.2, seed: int = 0) -> Histories:
    """Draw a world in which every user has an item and lacks another."""
    rng = np.random.default_rng(seed)
    likes = rng.random((n_users, n_items)) < density
    likes[np.arange(n_users), rng.integers(n_items, size=n_users)] = True
    return histories_of(likes)


def histories_of(likes: np.ndarray) -> Histories:
    """Turn a (n_users, n_items) bool table into histories."""
    users, items = np.nonzero(likes)
    return binary_matrix(users, items, likes.shape)
