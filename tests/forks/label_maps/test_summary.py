"""Nets that read label images, described without their data."""

import argparse
import json

import pytest

from caffe_lite.cli import summary

NET = """
    layer { name: "data" type: "DenseImageData" top: "data" top: "label"
            dense_image_data_param { source: "no" batch_size: 3 } }
    layer { name: "pool" type: "Pooling" bottom: "data" top: "pool" top: "mask"
            pooling_param { kernel_size: 2 stride: 2 } }
    layer { name: "up" type: "Upsample" bottom: "pool" bottom: "mask" top: "up"
            upsample_param { %s } }
    layer { name: "conv" type: "Convolution" bottom: "up" top: "conv"
            convolution_param { num_output: 4 kernel_size: 3 pad: 1 } }
    layer { name: "loss" type: "SoftmaxWithLoss" bottom: "conv" bottom: "label" top: "loss" }"""


def tops(tmp_path, capsys, upsample):
    path = tmp_path / "net.prototxt"
    path.write_text(NET % upsample)
    parser = argparse.ArgumentParser()
    summary.add_arguments(parser)
    summary.run(parser.parse_args([str(path), "--phase", "TRAIN", "--json"]))
    net = json.loads(capsys.readouterr().out)
    return {row["name"]: list(row["tops"].values()) for row in net["layers"]}


@pytest.mark.parametrize(
    "upsample, height, width",
    [("scale: 2", None, None), ("upsample_h: 360 upsample_w: 480", 360, 480)],
)
def test_sizes_are_shown_where_the_definition_fixes_them(tmp_path, capsys, upsample, height, width):
    shapes = tops(tmp_path, capsys, upsample)
    assert shapes["data"][1] == [3, 1, height, width]
    assert shapes["conv"] == [[3, 4, height, width]]
