"""Train an LSTM to add the two marked numbers of a sequence, streams of sequences side by side.

The adding problem of Hochreiter and Schmidhuber (1997), laid out as LRCN's nets read sequences: a
batch is T steps of N streams, and `cont` is 0 where a sequence begins. Run it from the top of the
checkout; it takes about half a minute:

    python examples/lstm_adding.py
"""

import numpy as np

import caffe_lite
from caffe_lite.proto import schema, text

STEPS, STREAMS = 12, 64
NET = f"""
name: "adding"
layer {{ name: "in" type: "Input" top: "x" top: "cont" top: "sum"
        input_param {{ shape {{ dim: {STEPS} dim: {STREAMS} dim: 2 }}
                      shape {{ dim: {STEPS} dim: {STREAMS} }}
                      shape {{ dim: {STREAMS} dim: 1 }} }} }}
layer {{ name: "lstm" type: "LSTM" bottom: "x" bottom: "cont" top: "h"
        recurrent_param {{ num_output: 32
                          weight_filler {{ type: "uniform" min: -0.2 max: 0.2 }} }} }}
layer {{ name: "steps" type: "Slice" bottom: "h" top: "before" top: "last"
        slice_param {{ axis: 0 slice_point: {STEPS - 1} }} }}
layer {{ name: "unused" type: "Silence" bottom: "before" }}
layer {{ name: "rows" type: "Reshape" bottom: "last" top: "row"
        reshape_param {{ shape {{ dim: {STREAMS} dim: 32 }} }} }}
layer {{ name: "guess" type: "InnerProduct" bottom: "row" top: "guess"
        inner_product_param {{ num_output: 1 weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "loss" type: "EuclideanLoss" bottom: "guess" bottom: "sum" top: "loss" }}
"""
SOLVER = """
type: "Adam" base_lr: 0.005 momentum: 0.9 lr_policy: "fixed" clip_gradients: 5 max_iter: 1500
random_seed: 1 snapshot_after_train: false
"""


def sequences(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Numbers (T, N, 2): values in [0, 1] and a mark, 1 at two steps; their sums (N, 1)."""
    x = np.zeros((STEPS, STREAMS, 2), np.float32)
    x[..., 0] = rng.random((STEPS, STREAMS))
    for stream in range(STREAMS):
        x[rng.choice(STEPS, 2, replace=False), stream, 1] = 1
    return x, (x[..., 0] * x[..., 1]).sum(axis=0)[:, None]


def main() -> float:
    """Train, print the error as it falls, and return the last one."""
    param = text.parse(SOLVER, schema.SolverParameter)
    param.net_param.CopyFrom(text.parse(NET, schema.NetParameter))
    solver = caffe_lite.get_solver(param)
    blobs = solver.net.blobs
    blobs["cont"].data[...] = 1
    blobs["cont"].data[0] = 0  # every sequence begins at step 0
    rng = np.random.default_rng(2)
    error = 0.0
    for iteration in range(1, param.max_iter + 1):
        blobs["x"].data[...], blobs["sum"].data[...] = sequences(rng)
        solver.step(1)
        error = float(np.sqrt(2 * np.asarray(blobs["loss"].data)))
        if iteration % 250 == 0:
            print(f"iteration {iteration}: root mean square error {error:.3f}")
    print("always answering 1, the mean, would give 0.408")
    return error


if __name__ == "__main__":
    main()
