"""V0 layers: every type, every field, and padding layers."""

import logging

import pytest

from caffe_lite.errors import PrototxtError
from caffe_lite.proto import schema, text
from caffe_lite.proto.upgrade import upgrade_net

TYPES = """
accuracy=Accuracy bnll=BNLL concat=Concat conv=Convolution data=Data dropout=Dropout
euclidean_loss=EuclideanLoss flatten=Flatten hdf5_data=HDF5Data hdf5_output=HDF5Output
im2col=Im2col images=ImageData infogain_loss=InfogainLoss innerproduct=InnerProduct lrn=LRN
multinomial_logistic_loss=MultinomialLogisticLoss pool=Pooling relu=ReLU sigmoid=Sigmoid
softmax=Softmax softmax_loss=SoftmaxWithLoss split=Split tanh=TanH window_data=WindowData
"""
FIELDS = [
    (
        "conv",
        "num_output: 3 biasterm: false weight_filler { type: 'xavier' } bias_filler { value: 2 } "
        "pad: 1 kernelsize: 5 group: 2 stride: 4",
        "convolution_param { num_output: 3 bias_term: false weight_filler { type: 'xavier' } "
        "bias_filler { value: 2 } pad: 1 kernel_size: 5 group: 2 stride: 4 }",
    ),
    (
        "innerproduct",
        "num_output: 3 biasterm: true weight_filler { std: 2 } bias_filler { }",
        "inner_product_param { num_output: 3 bias_term: true weight_filler { std: 2 } "
        "bias_filler { } }",
    ),
    (
        "pool",
        "pad: 1 kernelsize: 3 stride: 2 pool: STOCHASTIC",
        "pooling_param { pad: 1 kernel_size: 3 stride: 2 pool: STOCHASTIC }",
    ),
    ("pool", "pool: AVE", "pooling_param { pool: AVE }"),
    ("dropout", "dropout_ratio: 0.3", "dropout_param { dropout_ratio: 0.3 }"),
    (
        "lrn",
        "local_size: 3 alpha: 0.1 beta: 0.2 k: 4",
        "lrn_param { local_size: 3 alpha: 0.1 beta: 0.2 k: 4 }",
    ),
    (
        "data",
        "source: 's' batchsize: 6 rand_skip: 3",
        "data_param { source: 's' batch_size: 6 rand_skip: 3 }",
    ),
    ("hdf5_data", "source: 's' batchsize: 6", "hdf5_data_param { source: 's' batch_size: 6 }"),
    (
        "images",
        "source: 's' batchsize: 6 rand_skip: 3 shuffle_images: true new_height: 8 new_width: 9",
        "image_data_param { source: 's' batch_size: 6 rand_skip: 3 shuffle: true new_height: 8 "
        "new_width: 9 }",
    ),
    (
        "window_data",
        "source: 's' batchsize: 6 det_fg_threshold: 0.7 det_bg_threshold: 0.3 "
        "det_fg_fraction: 0.4 det_context_pad: 16 det_crop_mode: 'square'",
        "window_data_param { source: 's' batch_size: 6 fg_threshold: 0.7 bg_threshold: 0.3 "
        "fg_fraction: 0.4 context_pad: 16 crop_mode: 'square' }",
    ),
    ("infogain_loss", "source: 's'", "infogain_loss_param { source: 's' }"),
    ("concat", "concat_dim: 0", "concat_param { concat_dim: 0 }"),
    (
        "hdf5_output",
        "hdf5_output_param { file_name: 'f' }",
        "hdf5_output_param { file_name: 'f' }",
    ),
]
NAMES = dict(pair.split("=") for pair in TYPES.split())


def upgraded(source: str):
    return upgrade_net(text.parse(source, schema.NetParameter), "f")


def net(source: str):
    return text.parse(source, schema.NetParameter)


@pytest.mark.parametrize(("old", "new"), NAMES.items())
def test_types(old, new):
    assert upgraded(f"layers {{ layer {{ name: 'a' type: '{old}' }} }}") == net(
        f"layer {{ name: 'a' type: '{new}' }}"
    )


@pytest.mark.parametrize(("kind", "old", "new"), FIELDS)
def test_fields_of_a_type(kind, old, new, caplog):
    assert upgraded(f"layers {{ layer {{ type: '{kind}' {old} }} }}") == net(
        f"layer {{ type: '{NAMES[kind]}' {new} }}"
    )
    assert not caplog.records


def test_fields_of_every_type():
    assert upgraded(
        """layers { bottom: 'x' top: ['y', 'z'] layer { type: 'relu' blobs { num: 2 data: 1 }
             blobs_lr: [1, 2] weight_decay: [3, 4, 5] scale: 0.5 meanfile: 'm' cropsize: 6
             mirror: true } }
           input: 'x'"""
    ) == net(
        """layer { type: 'ReLU' bottom: 'x' top: ['y', 'z'] blobs { num: 2 data: 1 }
             param { lr_mult: 1 decay_mult: 3 } param { lr_mult: 2 decay_mult: 4 }
             param { decay_mult: 5 }
             transform_param { scale: 0.5 mean_file: 'm' crop_size: 6 mirror: true } }"""
    )


def test_the_table_covers_every_field_of_a_v0_layer():
    covered = {"name", "type", "new_num", "new_channels"}
    covered |= {"blobs", "blobs_lr", "weight_decay", "scale", "meanfile", "cropsize", "mirror"}
    for _, old, _ in FIELDS:
        message = text.parse(old, schema.V0LayerParameter)
        covered |= {field.name for field, _ in message.ListFields()}
    assert covered == set(schema.V0LayerParameter.DESCRIPTOR.fields_by_name)


@pytest.mark.parametrize("kind", ["relu", "conv", "pool", "images", "concat"])
def test_fields_that_do_not_suit_a_type_are_dropped_with_a_warning(kind, caplog):
    suited = [text.parse(old, schema.V0LayerParameter) for k, old, _ in FIELDS if k == kind]
    kept = {field.name for message in suited for field, _ in message.ListFields()}
    others = text.parse(" ".join([FIELDS[0][1], FIELDS[4][1]]), schema.V0LayerParameter)
    for field, value in others.ListFields():
        if field.name in kept or field.message_type:
            continue
        caplog.clear()
        with caplog.at_level(logging.WARNING, logger="caffe_lite.proto"):
            shown = str(value).lower()
            result = upgraded(
                f"layers {{ layer {{ name: 'a' type: '{kind}' {field.name}: {shown} }} }}"
            )
        assert result == net(f"layer {{ name: 'a' type: '{NAMES[kind]}' }}")
        assert [record.getMessage() for record in caplog.records] == [
            f'f: layer "a": "{field.name}" has no meaning for the V0 type "{kind}"; dropped'
        ]


def test_what_a_v0_net_cannot_hold_is_dropped_with_a_warning(caplog):
    with caplog.at_level(logging.WARNING, logger="caffe_lite.proto"):
        result = upgraded(
            """name: 'n' force_backward: true debug_info: true state { level: 1 }
               layers { layer { name: 'a' type: 'relu' } include { phase: TEST } loss_weight: 2 }"""
        )
    assert result == net("name: 'n' force_backward: true layer { name: 'a' type: 'ReLU' }")
    assert [record.getMessage() for record in caplog.records] == [
        'f: "state" has no meaning in a V0 net; dropped',
        'f: "debug_info" has no meaning in a V0 net; dropped',
        'f: layer "a": "include" has no meaning for the V0 type "relu"; dropped',
        'f: layer "a": "loss_weight" has no meaning for the V0 type "relu"; dropped',
    ]


def layers(*sources: str) -> str:
    """V0 layers from "type bottoms > tops fields"; the name is that of the first top."""
    result = []
    for source in sources:
        ends, _, fields = source.partition("|")
        (kind, *bottoms), tops = (side.split() for side in ends.split(">"))
        blobs = [f"bottom: '{name}'" for name in bottoms] + [f"top: '{name}'" for name in tops]
        name = tops[0] if tops else "last"
        result.append(
            f"layers {{ layer {{ name: '{name}' type: '{kind}' {fields} }} {' '.join(blobs)} }}"
        )
    return "input: 'x' " + " ".join(result)


def test_padding_goes_to_the_convolution_and_the_pool_it_feeds():
    assert upgraded(
        layers(
            "padding x > p | pad: 2",
            "conv p > c | pad: 1 kernelsize: 3",
            "padding c > q | pad: 3",
            "relu c > c",
            "pool q > m",
            "conv p > d",
        )
    ) == net(
        """layer { name: 'c' type: 'Convolution' bottom: 'x' top: 'c'
             convolution_param { pad: 2 kernel_size: 3 } }
           layer { name: 'c' type: 'ReLU' bottom: 'c' top: 'c' }
           layer { name: 'm' type: 'Pooling' bottom: 'c' top: 'm' pooling_param { pad: 3 } }
           layer { name: 'd' type: 'Convolution' bottom: 'x' top: 'd'
             convolution_param { pad: 2 } }"""
    )


def test_the_latest_maker_of_a_blob_counts():
    assert upgraded(layers("padding x > x | pad: 2", "conv x > x", "relu x > y")) == net(
        """layer { name: 'x' type: 'Convolution' bottom: 'x' top: 'x' convolution_param { pad: 2 } }
           layer { name: 'y' type: 'ReLU' bottom: 'x' top: 'y' }"""
    )


def test_padding_without_a_pad_means_none():
    assert upgraded(layers("padding x > p", "conv p > c | pad: 1")) == net(
        "layer { name: 'c' type: 'Convolution' bottom: 'x' top: 'c' convolution_param { pad: 0 } }"
    )


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            layers("conv y > c"),
            'layer "c": no layer before it makes its bottom "y"',
        ),
        (
            layers("padding x > p", "relu p > c"),
            'padding layer "p" feeds a layer of type "relu"; it may only feed conv and pool',
        ),
        (
            layers("padding x > p", "padding p > q", "conv q > c"),
            'padding layer "p" feeds a layer of type "padding"; it may only feed conv and pool',
        ),
        (
            layers("padding x > p", "conv x p > c"),
            'padding layer "p" feeds "c", which has 2 bottoms; 1 is allowed',
        ),
        (
            layers("padding x x > p", "conv p > c"),
            'padding layer "p" has 2 bottoms and 1 tops; 1 each is allowed',
        ),
        (
            layers("padding x > p q", "conv q > c"),
            'padding layer "p" has 1 bottoms and 2 tops; 1 each is allowed',
        ),
        (
            "layers { layer { name: 'a' type: 'convolution' } }",
            'layer "a": no V0 layer type "convolution"; did you mean "conv"?',
        ),
        (
            "layers { layer { name: 'a' type: 'images' new_width: -4 } }",
            'layer "a": -4 does not suit image_data_param.new_width',
        ),
        (
            "layers { layer { name: 'a' type: 'relu' } } layers { name: 'b' type: RELU }",
            'layer "b" is not a V0 layer, but others are; use one form for all',
        ),
        (
            "layers { layer { name: 'a' type: 'relu' } } layer { name: 'b' }",
            'the net holds both "layer" and V0 "layers"; use one form for all',
        ),
    ],
)
def test_nets_that_cannot_be_upgraded(source, message):
    with pytest.raises(PrototxtError) as caught:
        upgraded(source)
    assert str(caught.value) == "f: " + message
