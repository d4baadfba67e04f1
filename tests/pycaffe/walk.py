"""A walk through the interface of Net and the solvers, for any module that is pycaffe's.

What it brings back are arrays and JSON values by name, for comparison with Caffe's own.
"""

from pathlib import Path

import numpy as np

NET = """
name: "walk" force_backward: true
layer { name: "in" type: "Input" top: "x" top: "label"
        input_param { shape { dim: 4 dim: 3 dim: 5 } shape { dim: 4 } } }
layer { name: "ip1" type: "InnerProduct" bottom: "x" top: "h"
        inner_product_param { num_output: 6 } }
layer { name: "tanh" type: "TanH" bottom: "h" top: "h" }
layer { name: "ip2" type: "InnerProduct" bottom: "h" top: "y"
        inner_product_param { num_output: 3 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "y" bottom: "label" top: "loss"
        loss_weight: 0.7 include { phase: TRAIN } }
layer { name: "prob" type: "Softmax" bottom: "y" top: "prob" include { phase: TEST } }
layer { name: "last" type: "Power" bottom: "y" top: "twice" power_param { scale: 2 }
        include { phase: TEST stage: "more" min_level: 1 } }
"""

SOLVER = """
net: "{folder}/train.prototxt" test_iter: 1 test_interval: 100 test_initialization: false
base_lr: 0.2 lr_policy: "exp" gamma: 0.8 momentum: 0.9 weight_decay: 0.05 max_iter: 7
snapshot_prefix: "{folder}/snap"
"""
TRAIN = """
layer { name: "x" type: "DummyData" top: "x" top: "t"
        dummy_data_param { shape { dim: 2 dim: 3 } shape { dim: 2 dim: 4 }
                           data_filler { value: 1.5 } data_filler { value: -0.25 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y"
        inner_product_param { num_output: 4 weight_filler { value: 0.3 } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "t" top: "loss" }
"""
RULES = {
    "SGDSolver": "",
    "NesterovSolver": "",
    "AdaGradSolver": "momentum: 0",
    "RMSPropSolver": "momentum: 0 rms_decay: 0.9",
    "AdaDeltaSolver": "delta: 1e-4",
    "AdamSolver": "momentum2: 0.99",
}


def numbers(shape, seed):
    return np.random.RandomState(seed).normal(size=shape).astype(np.float32)


def filled(net):
    """The net with weights of this walk."""
    for i, blobs in enumerate(net.params.values()):
        for j, blob in enumerate(blobs):
            blob.data[...] = numbers(tuple(blob.data.shape), 10 * i + j)
    return net


def walk(caffe, folder):
    """(arrays, values) of everything, by name."""
    net_file = str(Path(folder) / "net.prototxt")
    Path(net_file).write_text(NET)
    arrays, values = {}, {}
    _definitions(caffe, net_file, values)
    _test_net(caffe, net_file, arrays, values)
    _train_net(caffe, net_file, folder, arrays, values)
    for rule, options in RULES.items():
        _solver(caffe, rule, options, folder, arrays, values)
    return arrays, values


def _definitions(caffe, net_file, values):
    nets = {
        "train": caffe.Net(net_file, caffe.TRAIN),
        "test": caffe.Net(net_file, caffe.TEST),
        "more": caffe.Net(net_file, caffe.TEST, level=1, stages=["more", "other"]),
        "positions": caffe.Net(net_file, caffe.TEST, 2, ["more"], None),
    }
    for name, net in nets.items():
        layers = range(len(net.layers))
        values[f"names_{name}"] = {
            "blobs": list(net.blobs),
            "layers": list(net._layer_names),
            "layer_dict": list(net.layer_dict),
            "types": [layer.type for layer in net.layers],
            "inputs": list(net.inputs),
            "outputs": list(net.outputs),
            "input_ids": list(net._inputs),
            "output_ids": list(net._outputs),
            "tops": {key: list(tops) for key, tops in net.top_names.items()},
            "bottoms": {key: list(bottoms) for key, bottoms in net.bottom_names.items()},
            "top_ids": [list(net._top_ids(i)) for i in layers],
            "bottom_ids": [list(net._bottom_ids(i)) for i in layers],
            "loss_weights": [round(float(w), 6) for w in net.blob_loss_weights.values()],
            "params": {
                key: [list(blob.data.shape) for blob in blobs] for key, blobs in net.params.items()
            },
            "learned": [len(layer.blobs) for layer in net.layers],
            "shapes": {key: list(blob.shape) for key, blob in net.blobs.items()},
            "legacy": [
                [blob.num, blob.channels, blob.height, blob.width, blob.count]
                for blob in net.blobs.values()
            ],
        }


def _keep(arrays, prefix, found):
    arrays.update({f"{prefix}_{key}": np.array(value) for key, value in found.items()})


def _test_net(caffe, net_file, arrays, values):
    net = filled(caffe.Net(net_file, caffe.TEST))
    x, label = numbers((4, 3, 5), 20), np.array([0, 2, 1, 0])
    calls = []
    net.before_forward(lambda i: calls.append(["before", i]))
    net.after_forward(lambda i: calls.append(["after", i]))
    net.before_backward(lambda i: calls.append(["before back", i]))
    net.after_backward(lambda i: calls.append(["after back", i]))
    _keep(arrays, "forward", net.forward(blobs=["h"], x=x, label=label))
    _keep(arrays, "end", net.forward(end="tanh"))
    net.blobs["h"].data[...] = 0.5
    _keep(arrays, "start", net.forward(start="ip2"))
    _keep(
        arrays, "backward", net.backward(diffs=["h"], prob=numbers((4, 3), 21), label=np.zeros(4))
    )
    _keep(arrays, "backward_end", net.backward(start="ip2", end="ip2"))
    values["calls"] = calls
    loss = net._forward(0, len(net.layers) - 1)
    net._backward(len(net.layers) - 1, 1)
    values["loss_of_test"] = float(loss)

    more_x, more_label = numbers((10, 3, 5), 22), np.zeros(10)
    _keep(arrays, "all", net.forward_all(blobs=["h"], x=more_x, label=more_label))
    outs, diffs = net.forward_backward_all(
        blobs=["y"], diffs=["y"], x=more_x, label=more_label, prob=numbers((10, 3), 23)
    )
    _keep(arrays, "both_out", outs)
    _keep(arrays, "both_diff", diffs)

    net.blobs["x"].reshape(2, 3, 5)
    net.blobs["label"].reshape(2)
    net.reshape()
    values["reshaped"] = {key: list(blob.data.shape) for key, blob in net.blobs.items()}
    _keep(arrays, "reshaped", net.forward(x=x[:2], label=label[:2]))


def _train_net(caffe, net_file, folder, arrays, values):
    net = filled(caffe.Net(net_file, caffe.TRAIN))
    net.blobs["x"].data[...] = numbers((4, 3, 5), 30)
    net.blobs["label"].data[...] = [2, 0, 1, 1]
    values["loss"] = round(float(net._forward(0, len(net.layers) - 1)), 4)
    for _ in range(2):
        net.forward()
        net.backward()
    for name, blobs in net.params.items():
        for i, blob in enumerate(blobs):
            arrays[f"twice_{name}_{i}"] = blob.diff.copy()
    net.clear_param_diffs()
    values["cleared"] = [float(abs(b.diff).sum()) for blobs in net.params.values() for b in blobs]

    weights, hdf5 = f"{folder}/w.caffemodel", f"{folder}/w.caffemodel.h5"
    net.save(weights)
    net.save_hdf5(hdf5)
    others = {
        "old": caffe.Net(net_file, weights, caffe.TEST),
        "named": caffe.Net(net_file, caffe.TEST, weights=weights),
        "copied": caffe.Net(net_file, caffe.TEST),
        "hdf5": caffe.Net(net_file, caffe.TEST),
        "shared": caffe.Net(net_file, caffe.TEST),
    }
    others["copied"].copy_from(weights)
    others["hdf5"].load_hdf5(hdf5)
    others["shared"].share_with(net)
    net.params["ip2"][1].data[...] += 1
    for name, other in others.items():
        arrays[f"weights_{name}"] = other.params["ip2"][1].data.copy()


def _solver(caffe, rule, options, folder, arrays, values):
    (Path(folder) / "train.prototxt").write_text(TRAIN)
    solver_file = Path(folder) / "solver.prototxt"
    settings = SOLVER.format(folder=folder)
    if options.startswith("momentum:"):
        settings = settings.replace("momentum: 0.9", "")
        options = options.replace("momentum: 0", "", 1)
    solver_file.write_text(settings + options)
    solver = getattr(caffe, rule)(str(solver_file))
    seen = []
    solver.add_callback(
        lambda: seen.append(["start", solver.iter]), lambda: seen.append(["ready", solver.iter])
    )
    solver.step(3)
    blobs = solver.net.params["ip"]
    arrays[f"{rule}_3"] = blobs[0].data.copy()
    lr = round(float(solver.lr), 6)
    values[rule] = {"iter": solver.iter, "lr": lr, "seen": seen, "tests": len(solver.test_nets)}
    solver.snapshot()
    solver.step(1)
    arrays[f"{rule}_4"] = blobs[0].data.copy()
    solver.restore(f"{folder}/snap_iter_3.solverstate")
    values[f"{rule}_restored"] = solver.iter
    solver.solve()
    arrays[f"{rule}_solved"] = blobs[0].data.copy()
    values[f"{rule}_solved"] = [solver.iter, solver.param.max_iter]
    solver.net.params["ip"][0].diff[...] = 0.5
    solver.apply_update()
    arrays[f"{rule}_update"] = blobs[0].data.copy()
    other = caffe.Net(f"{folder}/train.prototxt", caffe.TEST)
    solver.share_weights(other)
    solver.net.params["ip"][1].data[...] = 6
    values[f"{rule}_shared"] = float(other.params["ip"][1].data.sum())
    solver.param.base_lr = 0.5
    values[f"{rule}_lr_set"] = round(float(solver.lr), 6)
