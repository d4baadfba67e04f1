"""Train a convnet on handwritten digits from Python, and look at what it gets wrong.

Run it from the top of the checkout; it takes a quarter of a minute:

    python examples/train_digits.py
"""

import numpy as np

import caffe_lite
from caffe_lite.datasets.digits import load_digits
from caffe_lite.proto import schema, text

NET = """
name: "digits"
layer { name: "data" type: "MemoryData" top: "data" top: "label" include { phase: TRAIN }
        memory_data_param { batch_size: 50 channels: 1 height: 8 width: 8 } }
layer { name: "data" type: "Input" top: "data" include { phase: TEST }
        input_param { shape { dim: 360 dim: 1 dim: 8 dim: 8 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
        convolution_param { num_output: 32 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool"
        pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
layer { name: "score" type: "InnerProduct" bottom: "pool" top: "score"
        inner_product_param { num_output: 10 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss"
        include { phase: TRAIN } }
"""
SOLVER = """
base_lr: 0.1 momentum: 0.9 lr_policy: "fixed" max_iter: 600 random_seed: 1
snapshot_after_train: false
"""


def as_blob(images: np.ndarray) -> np.ndarray:
    """Scans (N, 8, 8) of 0 to 16 as a net's input (N, 1, 8, 8), ink 0 to 1."""
    return images[:, None].astype("float32") / 16


def main() -> float:
    """Train, print the share of held-out digits that the net recognises, and return it."""
    images, labels = load_digits("train")
    param = text.parse(SOLVER, schema.SolverParameter)
    param.net_param.CopyFrom(text.parse(NET, schema.NetParameter))
    solver = caffe_lite.get_solver(param)
    data = solver.net.layers[0]
    whole = 1400  # MemoryData takes whole batches
    data.set_arrays(as_blob(images[:whole]), labels[:whole].astype("float32"))
    solver.step(param.max_iter)

    # The same definition in its TEST phase, with the trained weights.
    net = caffe_lite.Net(text.parse(NET, schema.NetParameter), phase=schema.TEST)
    for name, blobs in net.params.items():
        for mine, trained in zip(blobs, solver.net.params[name], strict=True):
            mine.data[...] = trained.data
    images, labels = load_digits("test")
    net.blobs["data"].data[...] = as_blob(images)
    net.forward()
    guesses = np.asarray(net.blobs["score"].data).argmax(axis=1)
    right = float((guesses == labels).mean())
    print(f"{right:.1%} of {len(guesses)} held-out digits recognised")
    for truth, guess in zip(labels, guesses, strict=True):
        if truth != guess:
            print(f"  a {truth} taken for a {guess}")
    return right


if __name__ == "__main__":
    main()
