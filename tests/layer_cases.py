"""Every layer type with typical inputs: what the tests over the whole registry run on.

A case is the inside of one `layer { }` and its bottoms. Sizes differ from axis to axis, numbers
keep away from kinks, and options are set where they change the result.
"""

import re
from importlib import import_module
from pathlib import Path

import numpy as np

from caffe_lite.layers.registry import layer_class, layer_types, meanings_of
from tests.layer_case import FILLERS, Case, labels, normal, spread, uniform

IMAGE = spread(3, 2, 5, 4)
ROWS = spread(4, 3)
PROBABILITIES = uniform(4, 3, low=0.1)
LABELS = np.array([2.0, 0, 1, 2])
STEPS, CONT = normal(4, 2, 5), np.array([[0, 1], [1, 1], [1, 0], [1, 1.0]])

NEURONS = [
    Case("AbsVal", "", (IMAGE,)),
    Case("BNLL", "", (IMAGE,)),
    Case("Clip", "clip_param { min: -0.75 max: 1.25 }", (IMAGE,)),
    Case("Dropout", "dropout_param { dropout_ratio: 0.3 }", (IMAGE,), random=True),
    Case("Dropout", "", (IMAGE,), phase="TEST"),
    Case("ELU", "elu_param { alpha: 0.5 }", (IMAGE,)),
    Case("ELU", "elu_param { alpha: -0.5 }", (ROWS,)),
    Case("Exp", "exp_param { base: 2 scale: 0.5 shift: -1 }", (IMAGE,)),
    Case("Log", "log_param { base: 10 scale: 0.5 shift: 4 }", (IMAGE,)),
    Case("PReLU", 'prelu_param { filler { type: "gaussian" } }', (IMAGE,)),
    Case("PReLU", "prelu_param { channel_shared: true }", (IMAGE,)),
    Case("Power", "power_param { power: 3 scale: 0.5 shift: 3 }", (IMAGE,)),
    Case("Power", "power_param { power: 2 scale: 0.5 shift: 0.5 }", (ROWS,)),
    Case("Power", "power_param { scale: -2 shift: 0.5 }", (ROWS,)),
    Case("ReLU", "", (IMAGE,)),
    Case("ReLU", "relu_param { negative_slope: 0.2 }", (IMAGE,)),
    Case("Sigmoid", "", (IMAGE,)),
    Case("Swish", "swish_param { beta: 1.5 }", (IMAGE,)),
    Case("TanH", "", (IMAGE,)),
    Case("Threshold", "threshold_param { threshold: 0.25 }", (IMAGE,), gradient=False),
]

CONVOLUTIONS = [
    Case(
        "Convolution",
        f"convolution_param {{ num_output: 3 kernel_size: 3 pad: 1 {FILLERS} }}",
        (IMAGE,),
    ),
    Case(
        "Convolution",
        "convolution_param { num_output: 4 kernel_h: 3 kernel_w: 2 stride: 2 "
        f"pad_h: 1 dilation: 1 group: 2 {FILLERS} }}",
        (IMAGE,),
    ),
    Case(
        "Convolution",
        "convolution_param { num_output: 2 kernel_size: 2 dilation: 2 "
        f"bias_term: false {FILLERS} }}",
        (IMAGE, spread(3, 2, 5, 4)),
        tops=2,
    ),
    Case(
        "Convolution", f"convolution_param {{ num_output: 3 kernel_size: 1 {FILLERS} }}", (IMAGE,)
    ),
    Case(
        "Deconvolution",
        f"convolution_param {{ num_output: 3 kernel_size: 3 stride: 2 pad: 1 {FILLERS} }}",
        (IMAGE,),
    ),
    Case(
        "Deconvolution",
        f"convolution_param {{ num_output: 4 kernel_size: 2 group: 2 bias_term: false {FILLERS} }}",
        (IMAGE,),
    ),
    Case(
        "Im2col",
        "convolution_param { kernel_size: 3 stride: 2 pad: 1 }",
        (IMAGE,),
        allocates="is there for inspection",
    ),
    Case("InnerProduct", f"inner_product_param {{ num_output: 5 {FILLERS} }}", (IMAGE,)),
    Case(
        "InnerProduct",
        "inner_product_param { num_output: 5 axis: 2 transpose: true "
        f"bias_term: false {FILLERS} }}",
        (IMAGE,),
    ),
    Case("LRN", "lrn_param { local_size: 3 alpha: 2 beta: 0.6 k: 1.5 }", (normal(3, 5, 2, 4),)),
    Case(
        "LRN",
        "lrn_param { norm_region: WITHIN_CHANNEL local_size: 3 alpha: 2 beta: 0.6 }",
        (IMAGE,),
    ),
    Case("Pooling", "pooling_param { kernel_size: 3 stride: 2 }", (IMAGE,), tops=2),
    Case(
        "Pooling", "pooling_param { kernel_size: 2 stride: 2 pad: 1 round_mode: FLOOR }", (IMAGE,)
    ),
    Case(
        "Pooling", "pooling_param { pool: AVE kernel_h: 3 kernel_w: 2 stride: 2 pad: 1 }", (IMAGE,)
    ),
    Case("Pooling", "pooling_param { pool: AVE global_pooling: true }", (IMAGE,)),
    Case(
        "Pooling",
        "pooling_param { pool: STOCHASTIC kernel_size: 2 stride: 2 }",
        (np.abs(IMAGE),),
        random=True,
        allocates="draws numbers",
    ),
    Case(
        "Pooling",
        "pooling_param { pool: STOCHASTIC kernel_size: 2 stride: 2 }",
        (np.abs(IMAGE),),
        allocates="weighs every number",
        phase="TEST",
        gradient=False,
    ),
    Case("SPP", "spp_param { pyramid_height: 2 }", (IMAGE,)),
    Case("SPP", "spp_param { pyramid_height: 2 pool: AVE }", (IMAGE,)),
]

COMMON = [
    Case(
        "ArgMax",
        "argmax_param { top_k: 2 out_max_val: true }",
        (IMAGE,),
        gradient=False,
        allocates="sorts",
    ),
    Case(
        "BatchNorm",
        "batch_norm_param { eps: 0.1 moving_average_fraction: 0.75 }",
        (IMAGE,),
        tolerance=1e-5,
    ),
    Case("BatchNorm", "", (IMAGE,), phase="TEST"),
    Case(
        "BatchReindex", "", (ROWS, np.array([2.0, 0, 0])), batched=(1,), allocates="checks indices"
    ),
    Case("Bias", 'bias_param { num_axes: 2 filler { type: "gaussian" } }', (IMAGE,)),
    Case("Bias", "bias_param { axis: 1 }", (IMAGE, normal(2)), batched=(0,)),
    Case("Concat", "", (IMAGE, spread(3, 4, 5, 4), spread(3, 1, 5, 4))),
    Case("Crop", "crop_param { axis: 2 offset: 1 offset: 2 }", (IMAGE, normal(3, 2, 3, 2))),
    Case(
        "Eltwise",
        "eltwise_param { coeff: 0.5 coeff: -2 coeff: 1 }",
        (IMAGE, normal(*IMAGE.shape), normal(*IMAGE.shape)),
    ),
    Case("Eltwise", "eltwise_param { operation: PROD }", (ROWS, spread(4, 3), spread(4, 3))),
    Case(
        "Eltwise", "eltwise_param { operation: PROD stable_prod_grad: false }", (ROWS, spread(4, 3))
    ),
    Case("Eltwise", "eltwise_param { operation: MAX }", tuple(spread(3, 4, 3))),
    Case(
        "Embed",
        f"embed_param {{ input_dim: 5 num_output: 4 {FILLERS} }}",
        (labels(3, 2, classes=5),),
        allocates="checks ids",
    ),
    Case("Filter", "", (IMAGE, np.array([1.0, 0, 2])), flags=(True, False)),
    Case("Flatten", "", (IMAGE,)),
    Case("Flatten", "flatten_param { axis: 2 end_axis: -1 }", (IMAGE,)),
    Case("MVN", "", (IMAGE,)),
    Case("MVN", "mvn_param { across_channels: true normalize_variance: false }", (IMAGE,)),
    Case("Parameter", "parameter_param { shape { dim: 3 dim: 2 } }"),
    Case("Reduction", "reduction_param { operation: ASUM axis: 1 coeff: 2 }", (IMAGE,)),
    Case("Reduction", "reduction_param { operation: MEAN axis: 2 coeff: -3 }", (IMAGE,)),
    Case("Reduction", "reduction_param { operation: SUMSQ }", (IMAGE,)),
    Case("Reshape", "reshape_param { shape { dim: 0 dim: 5 dim: -1 } }", (IMAGE,)),
    Case(
        "Scale",
        'scale_param { filler { type: "gaussian" } bias_term: true '
        'bias_filler { type: "gaussian" } }',
        (IMAGE,),
    ),
    Case("Scale", "scale_param { axis: 1 }", (IMAGE, normal(2, 5)), batched=(0,)),
    Case("Silence", "", (IMAGE, ROWS), tops=0, takes_empty=True),
    Case("Slice", "slice_param { axis: 2 slice_point: 1 slice_point: 3 }", (IMAGE,), tops=3),
    Case("Softmax", "", (IMAGE,)),
    Case("Softmax", "softmax_param { axis: 2 }", (IMAGE,)),
    Case("Split", "", (IMAGE,), tops=3),
    Case("Tile", "tile_param { axis: 2 tiles: 3 }", (IMAGE,)),
]

LOSSES = [
    Case("Accuracy", "accuracy_param { top_k: 2 }", (ROWS, LABELS), tops=2, gradient=False),
    Case(
        "ContrastiveLoss",
        "contrastive_loss_param { margin: 4 legacy_version: true }",
        (ROWS, normal(4, 3), np.array([1.0, 0, 0, 1])),
    ),
    Case(
        "ContrastiveLoss",
        "contrastive_loss_param { margin: 6 }",
        (ROWS, normal(4, 3), np.array([1.0, 0, 0, 1])),
        tolerance=1e-3,
    ),
    Case("EuclideanLoss", "loss_weight: 0.5", (IMAGE, normal(*IMAGE.shape))),
    Case("HingeLoss", "", (ROWS, LABELS)),
    Case("HingeLoss", "hinge_loss_param { norm: L2 }", (ROWS, LABELS)),
    Case(
        "InfogainLoss",
        "loss_param { ignore_label: 0 }",
        (ROWS, LABELS, uniform(3, 3)),
        batched=(0, 1),
        tops=2,
    ),
    Case("MultinomialLogisticLoss", "", (PROBABILITIES, LABELS)),
    Case("SigmoidCrossEntropyLoss", "", (ROWS, PROBABILITIES)),
    Case(
        "SigmoidCrossEntropyLoss",
        "loss_param { ignore_label: 2 normalization: VALID }",
        (ROWS, labels(4, 3)),
    ),
    Case("SoftmaxWithLoss", "", (ROWS, LABELS)),
    Case(
        "SoftmaxWithLoss",
        "loss_param { ignore_label: 1 normalization: FULL }",
        (IMAGE, labels(3, 5, 4, classes=2)),
        tops=2,
    ),
]

RECURRENT = [
    Case("LSTM", f"recurrent_param {{ num_output: 3 {FILLERS} }}", (STEPS, CONT), grows=(1, 1)),
    Case(
        "LSTM",
        f"recurrent_param {{ num_output: 3 {FILLERS} }}",
        (STEPS, CONT, normal(2, 4)),
        grows=(1, 1, 0),
        batched=(0, 1),
    ),
    Case(
        "LSTM",
        f"recurrent_param {{ num_output: 3 expose_hidden: true {FILLERS} }}",
        (STEPS, CONT, normal(1, 2, 3), normal(1, 2, 3)),
        tops=3,
        grows=(1, 1, 1, 1),
        batched=(0, 1),
        flags=(True, False, False, False),
    ),
    Case(
        "LSTMUnit",
        "",
        (normal(1, 3, 5), normal(1, 3, 20), np.array([[0.0, 1, 1]])),
        tops=2,
        grows=(1, 1, 1),
        batched=(),
    ),
    Case("RNN", f"recurrent_param {{ num_output: 3 {FILLERS} }}", (STEPS, CONT), grows=(1, 1)),
    Case(
        "RNN",
        f"recurrent_param {{ num_output: 3 {FILLERS} }}",
        (STEPS, CONT, normal(2, 4)),
        grows=(1, 1, 0),
        batched=(0, 1),
    ),
]

PYTHON = [
    Case(
        "Python",
        'python_param { module: "my_layers" layer: "Multiply" param_str: "2" }',
        (IMAGE,),
        in_place=False,
        allocates="the user's",
        takes_empty=True,
    )
]

# Sources: files are those of tests/layer_sources.py, in the working directory.
SOURCES = [
    Case(
        "Data",
        'data_param { source: "train_lmdb" backend: LMDB batch_size: 4 } '
        "transform_param { crop_size: 9 mean_value: 100 scale: 0.5 }",
        tops=2,
        gradient=False,
    ),
    Case(
        "DummyData",
        "dummy_data_param { shape { dim: 2 dim: 3 } shape { dim: 2 } "
        'data_filler { type: "gaussian" } data_filler { value: 1 } }',
        tops=2,
        gradient=False,
    ),
    Case(
        "HDF5Data",
        'top: "data" top: "label" hdf5_data_param { source: "train_files.txt" '
        "batch_size: 4 shuffle: true }",
        tops=2,
        gradient=False,
    ),
    Case(
        "HDF5Output",
        'hdf5_output_param { file_name: "written.h5" }',
        (ROWS, LABELS),
        tops=0,
        allocates="writes",
        gradient=False,
    ),
    Case(
        "ImageData",
        'image_data_param { source: "images.txt" batch_size: 4 new_height: 12 new_width: 10 }',
        tops=2,
        gradient=False,
    ),
    Case("Input", "input_param { shape { dim: 2 dim: 3 } }", gradient=False),
    Case(
        "MemoryData",
        "memory_data_param { batch_size: 2 channels: 3 height: 8 width: 9 }",
        tops=2,
        gradient=False,
    ),
    Case(
        "WindowData",
        'window_data_param { source: "windows.txt" batch_size: 4 context_pad: 2 } '
        "transform_param { crop_size: 12 mirror: true mean_value: 100 }",
        tops=2,
        gradient=False,
    ),
]

CAFFE_CASES = [*NEURONS, *CONVOLUTIONS, *COMMON, *LOSSES, *RECURRENT, *PYTHON, *SOURCES]


def beside_tests(name):
    """What the test files of layers beyond Caffe's own, tests/forks/*/test_*.py, keep as `name`."""
    for path in sorted(Path(__file__).parent.glob("forks/*/test_*.py")):
        if re.search(rf"^{name}\b", path.read_text(), re.MULTILINE):
            module = import_module(f"tests.forks.{path.parent.name}.{path.stem}")
            yield getattr(module, name)


CASES = [*CAFFE_CASES, *(case for cases in beside_tests("CASES") for case in cases)]

NAMES = [f"{case.type}-{i}" for i, case in enumerate(CASES)]

# Further names of a class that has its case under another.
for _name in layer_types():
    layer_class(_name)
ALIASES = {
    name for name in layer_types() if all(meaning.cls.type != name for meaning in meanings_of(name))
}
