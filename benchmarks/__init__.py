"""Benchmarks: each prints a ratio against a reference that runs in the same minutes."""
