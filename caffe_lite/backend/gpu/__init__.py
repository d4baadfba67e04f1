"""The GPU backend, `CupyOps`.

Only `cuda.py` imports `cupy`. The other modules receive what they need of it as arguments, so
that they also run on a machine without CUDA, where the tests pass them a stand-in.
"""
