"""A GPU that is not there: kernels built for the host, and a CuPy and cuBLAS that run them."""
