"""Runs the contenders of the benchmarks side by side; see ../README.md."""
