"""The parts of the GPU backend that need no CUDA library of their own, so that they run anywhere.

`cupy` is imported in `backend/cupy_ops.py` and `backend/cuda.py` alone; what these modules need of
it they are given.
"""
