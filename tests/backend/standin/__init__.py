"""A GPU simulated on the host: kernels built with g++, and stand-ins for CuPy, cuBLAS, cuDNN."""
