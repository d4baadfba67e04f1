"""The reference implementation of each operation, in plain array code that NumPy and CuPy share."""
