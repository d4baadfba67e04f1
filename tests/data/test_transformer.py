"""The transformer against recorded batches and against a loop over pixels; its checks."""

from pathlib import Path

import numpy as np
import pytest

from caffe_lite.data.mean_file import read_mean
from caffe_lite.data.transformer import Transformer
from caffe_lite.errors import DataError
from caffe_lite.proto import schema, text
from tests.layers.sources import write_mean

RECORDED = np.load(Path(__file__).parent.parent / "reference/data/data_transform.npz")
CASES = sorted({key.split("/")[1] for key in RECORDED.files if key.startswith("case/")})


def transformer(train=False, seed=0, **fields):
    param = schema.TransformationParameter(**fields)
    return Transformer(param, train, np.random.default_rng(seed))


@pytest.mark.parametrize("case", CASES)
def test_recorded(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mean.binaryproto").write_bytes(RECORDED["mean.binaryproto"].tobytes())
    net = text.parse(str(RECORDED[f"case/{case}/prototxt"]), schema.NetParameter)
    transform = Transformer(net.layer[0].transform_param, False, np.random.default_rng(0))
    images, expected = RECORDED["datums/images"], RECORDED[f"case/{case}/data"]
    for batch, wanted in enumerate(expected):
        out = np.empty_like(wanted)
        for item in range(len(wanted)):
            transform.transform(images[(batch * len(wanted) + item) % len(images)], out[item])
        np.testing.assert_allclose(out, wanted, rtol=1e-5, atol=1e-5)


def reference(image, mean, scale, crop, top, left, mirror, flow):
    channels, height, width = image.shape
    rows, columns = (crop, crop) if crop else (height, width)
    out = np.zeros((channels, rows, columns))
    for c in range(channels):
        for h in range(rows):
            for w in range(columns):
                pixel = float(image[c, top + h, left + w])
                if mirror and flow and c == 2:
                    pixel = 255 - pixel
                pixel = (pixel - mean[c, top + h, left + w]) * scale
                out[c, h, columns - 1 - w if mirror else w] = pixel
    return out


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["none", "one", "three", "file"])
@pytest.mark.parametrize("crop", [0, 5])
@pytest.mark.parametrize("flow", [False, True])
def test_every_crop_and_mirror_is_one_of_the_rule(dtype, kind, crop, flow, tmp_path, rng):
    image = rng.integers(0, 256, (3, 7, 6), dtype=np.uint8)
    mean = np.zeros((3, 7, 6))
    fields = {"scale": 0.5, "mirror": True, "crop_size": crop}
    if kind == "one":
        fields["mean_value"] = [100]
        mean += 100
    elif kind == "three":
        fields["mean_value"] = [90, 110, 130]
        mean += np.array([90, 110, 130]).reshape(3, 1, 1)
    elif kind == "file":
        mean[...] = rng.integers(0, 256, mean.shape)
        write_mean(tmp_path / "mean.binaryproto", mean)
        fields["mean_file"] = str(tmp_path / "mean.binaryproto")
    transform = transformer(train=True, **fields)
    transform.flow = flow
    places = [(h, w) for h in range(3) for w in range(2)] if crop else [(0, 0)]
    expected = {
        reference(image, mean, 0.5, crop, *place, mirror, flow).tobytes(): (place, mirror)
        for place in places
        for mirror in (False, True)
    }
    seen = set()
    out = np.empty(transform.output_shape(image.shape), dtype)
    for _ in range(30 * len(expected)):
        transform.transform(image, out)
        seen.add(expected[out.astype(np.float64).tobytes()])
    assert seen == set(expected.values())


@pytest.mark.parametrize("train, mirrored", [(True, True), (False, True)])
def test_mirroring_in_both_phases_half_of_the_time(train, mirrored):
    image = np.arange(4, dtype=np.uint8).reshape(1, 1, 4)
    transform, out = transformer(train, mirror=mirrored), np.empty((1, 1, 4), np.float32)
    count = 0
    for _ in range(400):
        transform.transform(image, out)
        count += out[0, 0, 0] == 3
    assert 150 < count < 250


def test_test_phase_takes_the_centre_rounded_down():
    image = np.arange(7 * 6, dtype=np.uint8).reshape(1, 7, 6)
    out = np.empty((1, 3, 3), np.float32)
    transformer(crop_size=3).transform(image, out)
    np.testing.assert_array_equal(out[0], image[0, 2:5, 1:4])


def test_float_images_and_views(rng):
    image = rng.normal(size=(5, 4, 3)).transpose(2, 0, 1)
    out = np.empty((3, 5, 4))
    transformer(mean_value=[1, 2, 3], scale=2).transform(image, out)
    np.testing.assert_allclose(out, (image - np.array([1, 2, 3]).reshape(3, 1, 1)) * 2)


@pytest.mark.parametrize(
    "fields, shape, reason",
    [
        ({"crop_size": 6}, (3, 6, 5), "crop_size 6 is larger"),
        ({"crop_size": 6}, (3, 5, 6), "crop_size 6 is larger"),
        ({"mean_value": [1, 2]}, (3, 5, 6), "2 mean_value for images of 3 channels"),
        ({}, (0, 5, 6), "at least one channel"),
    ],
)
def test_shapes_that_do_not_fit(fields, shape, reason):
    with pytest.raises(DataError, match=reason):
        transformer(**fields).output_shape(shape)
    with pytest.raises(DataError, match=reason):
        transformer(**fields).transform(np.zeros(shape, np.uint8), np.empty(shape))


def test_an_image_of_another_size_than_the_batch():
    with pytest.raises(DataError, match="all images of a batch"):
        transformer().transform(np.zeros((3, 5, 6)), np.empty((3, 5, 5)))


def test_mean_files(tmp_path, pointer):
    path = tmp_path / "mean.binaryproto"
    write_mean(path, np.arange(12.0).reshape(1, 3, 4))
    np.testing.assert_array_equal(read_mean(path), np.arange(12).reshape(1, 3, 4))
    with pytest.raises(DataError, match="exclude each other"):
        transformer(mean_file=str(path), mean_value=[1])
    with pytest.raises(DataError, match=r"\(1, 3, 4\), the images \(1, 4, 3\)"):
        transformer(mean_file=str(path)).output_shape((1, 4, 3))
    new = schema.BlobProto(double_data=[1, 2, 3, 4])
    new.shape.dim.extend([1, 2, 2])
    path.write_bytes(new.SerializeToString())
    np.testing.assert_array_equal(read_mean(path), [[[1, 2], [3, 4]]])
    write_mean(path, np.zeros((1, 3, 4)))
    whole = path.read_bytes()
    for broken in (
        whole[:-3],
        b"",
        schema.BlobProto(num=2, channels=1, height=1, width=1, data=[1, 2]).SerializeToString(),
    ):
        path.write_bytes(broken)
        with pytest.raises(DataError, match="mean_file .*mean.binaryproto"):
            read_mean(path)
    for absent in (tmp_path / "absent", pointer):
        with pytest.raises(DataError, match=f"mean_file .*{absent.name}"):
            read_mean(absent)


def test_a_mean_image_of_one_pixel_is_no_mean_value(tmp_path):
    path = tmp_path / "mean.binaryproto"
    write_mean(path, np.array([10.0, 20, 30]).reshape(3, 1, 1))
    with pytest.raises(DataError, match=r"mean_file has shape \(3, 1, 1\)"):
        transformer(mean_file=str(path)).output_shape((3, 4, 5))
    assert transformer(mean_file=str(path)).output_shape((3, 1, 1)) == (3, 1, 1)
