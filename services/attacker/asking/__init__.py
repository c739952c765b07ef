"""Asking a stranger's service over HTTP: how it travels, what comes back, and what is written down of it."""
