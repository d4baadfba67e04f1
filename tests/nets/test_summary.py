"""What a net's summary counts: learned elements, multiply-adds, memory of the tops."""

import pytest

from caffe_lite.nets.net import Net
from caffe_lite.nets.summary import summarize, where_equal
from caffe_lite.proto import schema, text

X = 'layer { name: "x" type: "Input" top: "x" input_param { shape { %s } } } '
IMAGE = X % "dim: 2 dim: 6 dim: 7 dim: 5"
CLIP = X % "dim: 4 dim: 3 dim: 5" + (
    'layer { name: "cont" type: "Input" top: "cont" input_param { shape { dim: 4 dim: 3 } } } '
    'layer { name: "s" type: "Input" top: "s" input_param { shape { dim: 3 dim: 7 } } } '
    'layer { name: "h0" type: "Input" top: "h0" input_param { shape { dim: 1 dim: 3 dim: 2 } } } '
)


def rows(definition):
    return {row.name: row for row in summarize(Net(text.parse(definition, schema.NetParameter)))}


def layer(kind, bottoms, tops, more=""):
    names = " ".join([*(f'bottom: "{b}"' for b in bottoms), *(f'top: "{t}"' for t in tops)])
    return f'layer {{ name: "l" type: "{kind}" {names} {more} }} '


@pytest.mark.parametrize(
    ("definition", "parameters", "multiply_adds"),
    [
        # 2 x 4 outputs of 5 x 2 pixels, each from 6 / 2 channels of 3 x 2 taps
        (
            IMAGE
            + layer(
                "Convolution",
                "x",
                "y",
                "convolution_param { num_output: 4 group: 2 kernel_h: 3 kernel_w: 2 stride_w: 2 "
                "stride_h: 1 }",
            ),
            4 * 3 * 6 + 4,
            2 * 4 * 5 * 2 * 3 * 6,
        ),
        # 2 x 6 inputs of 7 x 5 pixels, each spread over 4 / 2 channels of 9 taps
        (
            IMAGE
            + layer(
                "Deconvolution",
                "x",
                "y",
                "convolution_param { num_output: 4 group: 2 kernel_size: 3 bias_term: false }",
            ),
            6 * 2 * 9,
            2 * 6 * 7 * 5 * 2 * 9,
        ),
        (
            IMAGE
            + layer("InnerProduct", "x", "y", "inner_product_param { num_output: 3 axis: 2 }"),
            3 * 35 + 3,
            2 * 6 * 3 * 35,
        ),
        # 4 steps x 3 streams through 8 x 5 and 8 x 2, the static input once per stream
        (
            CLIP + layer("LSTM", ["x", "cont", "s"], "y", "recurrent_param { num_output: 2 }"),
            8 * 5 + 8 + 8 * 7 + 8 * 2,
            12 * (8 * 5 + 8 * 2) + 3 * 8 * 7,
        ),
        (
            CLIP
            + layer(
                "RNN",
                ["x", "cont", "h0"],
                ["y", "h"],
                "recurrent_param { num_output: 2 expose_hidden: true }",
            ),
            2 * 5 + 2 + 2 * 2 + 2 * 2 + 2,
            12 * (2 * 5 + 2 * 2 + 2 * 2),
        ),
        (IMAGE + layer("PReLU", "x", "y"), 6, 0),
    ],
    ids=["Convolution", "Deconvolution", "InnerProduct", "LSTM", "RNN", "PReLU"],
)
def test_parameters_and_multiply_adds(definition, parameters, multiply_adds):
    row = rows(definition)["l"]
    assert (row.parameters, row.shared) == (parameters, 0)
    assert row.multiply_adds == multiply_adds


@pytest.mark.parametrize(
    ("definition", "elements"),
    [
        (layer("ReLU", "x", "x"), 0),
        (layer("ReLU", "x", "y"), 420),
        (layer("Flatten", "x", "y"), 0),
        (layer("Reshape", "x", "y", "reshape_param { shape { dim: -1 } }"), 0),
        (layer("Split", "x", "yz"), 0),
        (layer("Concat", "x", "y"), 0),
        (layer("Concat", "xx", "y"), 840),
        (layer("Slice", "x", "y"), 0),
        (layer("Slice", "x", "yz"), 420),
        (layer("Parameter", "", "y", "parameter_param { shape { dim: 9 } }"), 0),
    ],
)
def test_tops_in_memory_of_others_cost_none(definition, elements):
    assert rows(IMAGE + definition)["l"].memory == 4 * elements


def test_what_is_shared_counts_where_it_is_owned():
    product = (
        'layer { name: "%s" type: "InnerProduct" bottom: "x" top: "%s" param { name: "w" } '
        "inner_product_param { num_output: 3 } } "
    )
    found = rows(X % "dim: 2 dim: 5" + product % ("a", "a") + product % ("b", "b"))
    assert (found["a"].parameters, found["a"].shared) == (15 + 3, 0)
    assert (found["b"].parameters, found["b"].shared) == (3, 15)


def test_what_depends_on_the_data_is_told_apart():
    product = layer("InnerProduct", "x", "y", "inner_product_param { num_output: 3 }")
    one, other = (list(rows(X % f"dim: 2 dim: {size}" + product).values()) for size in (5, 6))
    data, row = where_equal(one, other)
    assert data.tops == {"x": (2, None)}
    assert (data.parameters, data.memory) == (0, None)
    assert row.tops == {"y": (2, 3)}
    assert (row.parameters, row.multiply_adds, row.memory) == (None, None, 24)
