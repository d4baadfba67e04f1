"""Weights of Keras: recorded files of both forms give the recorded outputs."""

from pathlib import Path

import numpy as np
import pytest

from caffe_lite.cli import main
from caffe_lite.nets.net import Net
from tests.importer.import_nets import IMAGES, SEQUENCES

FOLDER = Path(__file__).parent / "keras"


def imported(tmp_path, prototxt, checkpoint):
    (tmp_path / "net.prototxt").write_text(prototxt)
    out = tmp_path / "net.caffemodel"
    options = ["--from", str(checkpoint), "--out", str(out)]
    assert main(["import", str(tmp_path / "net.prototxt"), *options]) == 0
    net = Net(tmp_path / "net.prototxt", seed=0)
    assert not net.copy_trained_layers_from(out).missing
    return net


@pytest.mark.parametrize("name", ["images.h5", "images.weights.h5"])
def test_images(tmp_path, name):
    record = np.load(FOLDER / "images.npz")
    with imported(tmp_path, IMAGES, FOLDER / name) as net:
        net.blobs["data"].data[...] = record["x"].transpose(0, 3, 1, 2)
        net.forward()
        np.testing.assert_allclose(net.blobs["fc"].data, record["y"], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["sequences.h5", "sequences.weights.h5"])
def test_sequences(tmp_path, name):
    record = np.load(FOLDER / "sequences.npz")
    with imported(tmp_path, SEQUENCES, FOLDER / name) as net:
        net.blobs["ids"].data[...] = record["x"].T
        net.blobs["cont"].data[...] = np.arange(5)[:, None] > 0
        net.forward()
        got = net.blobs["predict"].data.transpose(1, 0, 2)
        np.testing.assert_allclose(got, record["y"], rtol=1e-4, atol=1e-5)


def test_the_map_that_is_printed(tmp_path, capsys):
    imported(tmp_path, IMAGES, FOLDER / "images.h5").close()
    lines = capsys.readouterr().out.splitlines()
    assert "conv/0 = conv.kernel : hwio" in lines
    assert "fc/0 = fc.kernel : transpose, hwc 5,10,10" in lines
    assert "norm/2 = 1" in lines and "norm_scale/1 = norm.beta" in lines


def test_caffes_own_file(tmp_path, capsys):
    from tests.weights.weight_nets import FILES

    (tmp_path / "net.prototxt").write_text(IMAGES)
    source = str(next(FILES.glob("*.caffemodel.h5")))
    options = ["--from", source, "--out", str(tmp_path / "w.caffemodel")]
    assert main(["import", str(tmp_path / "net.prototxt"), *options]) == 1
    assert "Caffe's own HDF5 weights; use `caffe_lite convert`" in capsys.readouterr().err
