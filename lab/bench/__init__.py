"""Benchmarks: ours and its peers on the same work, in turn, each in a process of its own."""
