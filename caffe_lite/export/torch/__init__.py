"""Nets as PyTorch modules: readable Python that needs PyTorch alone.

`layers/` and `forks/` say what each layer becomes, `helpers/` holds the functions and classes that
a module takes along where PyTorch has nothing that computes what Caffe does, `module.py` puts a
module together, `run.py` runs it beside the net.
"""
