"""`NumpyOps`: threads, and operations for which the reference implementation is too slow."""
