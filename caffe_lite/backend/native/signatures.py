"""Result and argument types of the C functions."""

import ctypes
from typing import Any

_TYPES = {"p": ctypes.c_void_p, "n": ctypes.c_int64, "i": ctypes.c_int, "d": ctypes.c_double}

# name: (result, arguments); p an address, n a 64-bit count, i an int, d a double, - nothing.
_FUNCTIONS = {
    "pool_configure": ("-", "i"),
    "pool_threads": ("i", ""),
    "gemm_scratch": ("n", "nnnii"),
    "gemm": ("-", "nnnpipipip"),
    "convolution_scratch": ("n", "p"),
    "convolution": ("-", "pppppp"),
    "convolution_grad_data_scratch": ("n", "p"),
    "convolution_grad_data": ("-", "ppppp"),
    "convolution_grad_weight_scratch": ("n", "p"),
    "convolution_grad_weight": ("-", "ppppp"),
    "pooling_scratch": ("n", "p"),
    "max_pool": ("-", "ppppp"),
    "max_pool_grad": ("-", "pppp"),
    "ave_pool": ("-", "pppp"),
    "ave_pool_grad": ("-", "pppp"),
    "roi_pool": ("-", "ppppppp"),
    "roi_pool_grad": ("-", "ppppp"),
    "lrn_across": ("-", "nnnndddppp"),
    "lrn_across_grad_scratch": ("n", "nn"),
    "lrn_across_grad": ("-", "nnnnddpppppp"),
    "batch_norm_stats": ("-", "nnnppp"),
    "batch_norm_apply": ("-", "nnnpppp"),
    "batch_norm_grad": ("-", "nnnpppp"),
    "lstm_unit": ("-", "nnppppppp"),
    "lstm_unit_grad": ("-", "nnpppppppppp"),
    "softmax": ("-", "nnnpp"),
    "softmax_grad": ("-", "nnnppp"),
    "softmax_loss": ("-", "nnnppidpp"),
    "softmax_loss_grad": ("-", "nnnppiddp"),
    "relu": ("-", "nppd"),
    "relu_grad": ("-", "npppd"),
    "dropout": ("-", "npppd"),
    "prelu": ("-", "nnnppp"),
    "prelu_grad": ("-", "nnnpppp"),
    "prelu_grad_slope": ("-", "nnnppp"),
    "eltwise_max": ("-", "nppipp"),
    "eltwise_max_grad": ("-", "nppip"),
    "add_bias": ("-", "nnnpp"),
    "sum_bias": ("-", "nnnpp"),
    "bias_relu": ("-", "nnnppd"),
    "take": ("-", "nnnppp"),
    "scatter_add": ("-", "nnnppp"),
    "chain_run": ("-", "np"),
    "chain_lanes": ("n", ""),
    "chain_step_size": ("n", ""),
    "chain_planes": ("n", "ppp"),
    "optical_flow_scratch": ("n", "nnin"),
    "optical_flow": ("-", "nnpppiiniip"),
    "top_words": ("-", "nnpnppp"),
    "update": ("-", "iinppppp"),
    "sum_squares_scratch": ("n", "n"),
    "sum_squares": ("d", "npp"),
}

SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    name: (_TYPES.get(result), [_TYPES[code] for code in arguments])
    for name, (result, arguments) in _FUNCTIONS.items()
}
