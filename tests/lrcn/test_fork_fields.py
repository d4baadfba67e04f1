"""Fields that LRCN's branch of Caffe added to prototxts: read, kept, printed and honoured."""

import numpy as np
import pytest

from caffe_lite.backend import get_ops
from caffe_lite.data.images import read_image, write_image
from caffe_lite.data.transformer import Transformer
from caffe_lite.errors import CaffeError, PrototxtError
from caffe_lite.nets.net import Net
from caffe_lite.proto import schema, text

LAYER = """layer { name: "d" type: "ImageData" top: "data" top: "label"
  transform_param { mirror: %s crop_size: 9 mean_value: 128 flow: %s }
  image_data_param { source: "%s" batch_size: 8 min_height: %d min_width: %d } }"""


def test_a_fork_field_survives_copying_printing_and_binary():
    net = text.parse(LAYER % ("true", "true", "a.txt", 20, 30), schema.NetParameter)
    copy = schema.NetParameter()
    copy.CopyFrom(net)
    binary = schema.NetParameter.FromString(copy.SerializeToString())
    printed = text.parse(text.format(binary), schema.NetParameter)
    for each in (net, copy, binary, printed):
        layer = each.layer[0]
        assert layer.transform_param.flow is True
        assert layer.image_data_param.min_height == 20
        assert layer.image_data_param.min_width == 30
        assert layer.transform_param.force_color is False  # the fork's number 6 is not ours


def test_a_fork_field_defaults_and_is_checked():
    param = text.parse("crop_size: 3", schema.TransformationParameter)
    assert param.flow is False
    for bad, told in (("flow: 2", "flow"), ("flow: true flow: true", "twice"), ("flaw: 1", "flow")):
        with pytest.raises(PrototxtError, match=told):
            text.parse(bad, schema.TransformationParameter)
    with pytest.raises(PrototxtError, match="out of range"):
        text.parse("min_width: -1", schema.ImageDataParameter)


def test_the_schema_itself_has_no_fork_fields():
    caffe = schema.DESCRIPTOR.message_types_by_name["TransformationParameter"]
    assert "flow" not in caffe.fields_by_name


def test_mirrored_flow_is_negated_in_x_alone():
    param = text.parse("mirror: true flow: true", schema.TransformationParameter)
    transformer = Transformer(param, True, np.random.default_rng(3))
    image = np.random.default_rng(0).integers(0, 256, (3, 4, 5), np.uint8)
    out = np.empty((3, 4, 5), np.float32)
    seen = set()
    for _ in range(20):
        transformer.transform(image, out)
        mirrored = image[:, :, ::-1].astype(np.float32)
        mirrored[2] = 255 - mirrored[2]
        assert np.array_equal(out, image) or np.array_equal(out, mirrored)
        seen.add(np.array_equal(out, mirrored))
    assert seen == {True, False}


def test_image_data_honours_them(tmp_path):
    rng = np.random.default_rng(1)
    for i in range(8):
        write_image(tmp_path / f"{i}.png", rng.integers(0, 256, (11, 15, 3), np.uint8))
    source = tmp_path / "list.txt"
    source.write_text("".join(f"{tmp_path / f'{i}.png'} {i}\n" for i in range(8)))
    definition = LAYER % ("true", "true", source, 22, 18)
    net = Net(text.parse(definition, schema.NetParameter), schema.TEST, get_ops(), seed=5)
    net.forward()
    turned = 0
    for i, y in enumerate(net.blobs["data"].data):
        x = read_image(tmp_path / f"{i}.png", min_height=22, min_width=18).transpose(2, 0, 1)
        assert x.shape == (3, 22, 30)  # enlarged by 2 for its height, and its aspect kept
        x = x[:, 6:15, 10:19].astype(np.float32)
        mirrored = x[:, :, ::-1].copy()
        mirrored[2] = 255 - mirrored[2]
        assert np.array_equal(y, x - 128) or np.array_equal(y, mirrored - 128)
        turned += np.array_equal(y, mirrored - 128)
    assert 0 < turned < 8
    net.close()
    with pytest.raises(CaffeError, match="min_height and min_width together"):
        Net(
            text.parse(LAYER % ("false", "false", source, 22, 0), schema.NetParameter),
            schema.TEST,
            get_ops(),
        )
