"""caffe.io: images and preprocessing against numbers of Caffe's own, messages there and back."""

import re
from io import BytesIO, StringIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import caffe_lite.pycaffe as caffe
from caffe_lite.errors import CaffeError, DataError
from caffe_lite.pycaffe import io
from caffe_lite.pycaffe.proto import caffe_pb2
from tests.pycaffe.images import CROPS, RESIZES, image, transformers

RECORDED = np.load(Path(__file__).with_name("recorded") / "images.npz")
TRANSFORMERS = transformers(io.Transformer)


@pytest.mark.parametrize("name", RESIZES)
def test_resize_is_that_of_caffe(name):
    shape, new_dims, order = RESIZES[name]
    resized = io.resize_image(image(shape), new_dims, order)
    assert resized.dtype == np.float32
    np.testing.assert_allclose(resized, RECORDED[f"resize_{name}"], rtol=1e-5, atol=1e-6)


def test_resize_by_hand():
    row = np.array([2, 6], np.float32).reshape(1, 2, 1)
    # Centres at -1/4, 1/4, 3/4, 5/4; beyond the image is its smallest value, 2.
    np.testing.assert_allclose(io.resize_image(row, (1, 4)).ravel(), [2, 3, 5, 0.75 * 6 + 0.5])
    two = np.concatenate([row, row * 10], axis=2)
    np.testing.assert_allclose(io.resize_image(two, (1, 3))[0, :, 1], [20, 40, 60])


def test_resize_of_one_colour_and_of_bytes():
    np.testing.assert_array_equal(io.resize_image(np.full((2, 3, 3), 7), (5, 4)), 7)
    levels = np.arange(0, 240, 10, dtype=np.uint8).reshape(2, 4, 3)
    as_floats = io.resize_image(levels.astype(np.float32), (5, 3))
    np.testing.assert_array_equal(io.resize_image(levels, (5, 3)), as_floats)


@pytest.mark.parametrize("name", CROPS)
def test_crops_are_those_of_caffe(name):
    count, shape, crop_dims = CROPS[name]
    images = [image(shape, seed=i) for i in range(count)]
    crops = io.oversample(images, np.array(crop_dims))
    assert crops.dtype == np.float32
    np.testing.assert_array_equal(crops, RECORDED[f"crops_{name}"])


def test_mirrored_crops_of_flow_turn_the_first_channel():
    images = [image((5, 7, 3), seed=i) for i in range(2)]
    plain, flow = io.oversample(images, (3, 4)), io.oversample(images, (3, 4), flow=True)
    mirrored = np.arange(20) % 10 >= 5
    np.testing.assert_array_equal(flow[~mirrored], plain[~mirrored])
    np.testing.assert_allclose(flow[mirrored, :, :, 0], 1 - plain[mirrored, :, :, 0])
    np.testing.assert_array_equal(flow[..., 1:], plain[..., 1:])


def test_flip_image():
    picture = image((2, 3, 3), high=100)
    before = picture.copy()
    np.testing.assert_array_equal(io.flip_image(picture), picture[:, ::-1])
    turned = io.flip_image(picture, 90, True)
    np.testing.assert_allclose(turned[..., 0], 90 - picture[:, ::-1, 0])
    np.testing.assert_array_equal(turned[..., 1:], picture[:, ::-1, 1:])
    np.testing.assert_array_equal(picture, before)


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_preprocess_and_back_as_caffe(name):
    transformer, given = TRANSFORMERS[name]
    before = given.copy()
    data = transformer.preprocess("data", given)
    assert data.dtype == np.float32
    expected = RECORDED[f"preprocess_{name}"]
    np.testing.assert_allclose(data, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())
    np.testing.assert_array_equal(given, before)
    if f"deprocess_{name}" in RECORDED:
        back = transformer.deprocess("data", expected)
        np.testing.assert_allclose(back, RECORDED[f"deprocess_{name}"], rtol=1e-5, atol=1e-5)


def test_deprocess_of_a_grey_batch_keeps_its_channel():
    transformer, _ = TRANSFORMERS["grey"]
    given = image((6, 7, 1))
    data = transformer.preprocess("data", given)
    back = transformer.deprocess("data", data[None])
    np.testing.assert_allclose(back, given, atol=1e-6)


@pytest.mark.parametrize(
    "mean, subtracted",
    [(2.0, 2), ([1.0, 2.0], [1, 2]), (np.array([1.0, 2.0]).reshape(2, 1, 1), [1, 2])],
)
def test_means_of_channels(mean, subtracted):
    transformer = io.Transformer({"data": (1, 2, 3, 4)})
    transformer.set_transpose("data", (2, 0, 1))
    transformer.set_mean("data", mean)
    given = image((3, 4, 2))
    expected = (given - np.float32(subtracted)).transpose(2, 0, 1)
    np.testing.assert_allclose(transformer.preprocess("data", given), expected)


def test_is_flow_is_noted_and_changes_nothing():
    transformer = io.Transformer({"data": (1, 3, 4, 5)})
    before = transformer.preprocess("data", image((4, 5, 3)))
    transformer.set_is_flow("data", True)
    assert transformer.is_flow == {"data": True}
    np.testing.assert_array_equal(transformer.preprocess("data", image((4, 5, 3))), before)


@pytest.mark.parametrize(
    "act, words",
    [
        (lambda t: t.set_raw_scale("dta", 1), '"dta" is not one of the inputs data; did you mean'),
        (lambda t: t.preprocess("x", image((1, 1, 1))), '"x" is not one of the inputs'),
        (lambda t: t.set_transpose("data", (1, 0)), "must have each of 0 to 2 once, got (1, 0)"),
        (lambda t: t.set_channel_swap("data", (1, 0)), "must be 3 of 0 to 2, got (1, 0)"),
        (lambda t: t.set_channel_swap("data", (0, 1, 3)), "must be 3 of 0 to 2, got (0, 1, 3)"),
        (lambda t: t.set_mean("data", np.zeros(2)), "a mean of 2 channels"),
        (lambda t: t.set_mean("data", np.zeros((2, 4, 5))), "a mean of shape (2, 4, 5)"),
        (
            lambda t: io.resize_image(np.zeros((2, 3)), (2, 2)),
            "takes an image (H, W, K), got shape",
        ),
        (lambda t: io.resize_image(image((2, 2, 3)), (2, 2), 3), "must be 0 (nearest) or 1"),
        (lambda t: io.resize_image(image((2, 2, 3)), (0, 2)), "new_dims must be at least 1"),
        (lambda t: io.oversample([], (2, 2)), "of one shape, got none"),
        (
            lambda t: io.oversample([image((4, 4, 3)), image((5, 4, 3))], (2, 2)),
            "of one shape, got (4, 4, 3), (5, 4, 3)",
        ),
        (lambda t: io.array_to_datum(np.zeros((2, 3))), "(channels, height, width), got shape"),
        (
            lambda t: io.array_to_blobproto(np.zeros(3), np.zeros(4)),
            "diff of shape (4,) for data of shape (3,)",
        ),
        (
            lambda t: io.blobprotovector_str_to_arraylist(b"\xff\xff"),
            "not a serialized BlobProtoVector",
        ),
        (
            lambda t: io.blobproto_to_array(caffe_pb2.BlobProto(data=[1, 2])),
            "of shape () must hold 1 values, it has 2",
        ),
    ],
)
def test_mistakes_are_told(act, words):
    with pytest.raises(ValueError, match=re.escape(words)) as told:
        act(io.Transformer({"data": (1, 3, 4, 5)}))
    assert isinstance(told.value, CaffeError) and "\n" not in str(told.value)


def test_crops_larger_than_the_image_are_told():
    with pytest.raises(DataError, match="images of 3x4 pixels are smaller"):
        io.oversample([image((3, 4, 3))], (4, 4))


# Files of images

RGB = (np.arange(2 * 3 * 3) * 14).reshape(2, 3, 3).astype(np.uint8)
LUMA = RGB / 255 @ [0.2125, 0.7154, 0.0721]


def saved(path, samples):
    Image.fromarray(samples).save(path)
    return str(path)


def test_colour_files(tmp_path):
    path = saved(tmp_path / "a.png", RGB)
    loaded = io.load_image(path)
    assert loaded.dtype == np.float32
    np.testing.assert_allclose(loaded, RGB / 255, rtol=1e-6)
    np.testing.assert_allclose(io.load_image(path, color=False), LUMA[..., None], rtol=1e-6)


def test_alpha_is_dropped(tmp_path):
    path = saved(tmp_path / "a.png", np.dstack([RGB, np.full((2, 3), 9, np.uint8)]))
    np.testing.assert_allclose(io.load_image(path), RGB / 255, rtol=1e-6)
    np.testing.assert_allclose(io.load_image(path, False)[..., 0], LUMA, rtol=1e-6)


def test_load_image_from_open_files_and_bytes(tmp_path):
    path = tmp_path / "x.png"
    Image.fromarray(RGB.astype(np.uint8)).save(path)
    content = path.read_bytes()
    expected = io.load_image(path)
    with open(path, "rb") as file:
        assert np.array_equal(io.load_image(file), expected)
    for source in (content, bytearray(content), memoryview(content), BytesIO(content)):
        assert np.array_equal(io.load_image(source), expected)
    inside = BytesIO(b"head" + content)
    inside.seek(4)
    assert np.array_equal(io.load_image(inside, color=False), io.load_image(path, color=False))
    for wrong, message in (
        (b"no image", "image: cannot be decoded"),
        (BytesIO(content), "image: cannot be decoded"),
        (StringIO("text"), 'open the image in binary mode \\("rb"\\)'),
        (3, "takes a path, an open file or the bytes of one, got int"),
    ):
        if isinstance(wrong, BytesIO):
            wrong.seek(0, 2)
        with pytest.raises(CaffeError, match=message):
            io.load_image(wrong)


@pytest.mark.parametrize("dtype, scale", [(np.uint8, 255), (np.uint16, 65535)])
def test_grey_files(tmp_path, dtype, scale):
    levels = (np.arange(6).reshape(2, 3) * (scale // 7)).astype(dtype)
    path = saved(tmp_path / "a.png", levels)
    assert io.load_image(path, color=False).shape == (2, 3, 1)
    loaded = io.load_image(path)
    assert loaded.shape == (2, 3, 3)
    np.testing.assert_allclose(loaded, np.dstack([levels / scale] * 3), rtol=1e-6)


def test_palettes_and_grey_with_alpha(tmp_path):
    palette = Image.fromarray(RGB).quantize(6)
    path = tmp_path / "a.png"
    palette.save(path)
    np.testing.assert_allclose(io.load_image(path), np.asarray(palette.convert("RGB")) / 255)
    grey = Image.fromarray(np.dstack([RGB[..., 0], RGB[..., 1]]))
    assert grey.mode == "LA"
    grey.save(path)
    np.testing.assert_allclose(io.load_image(path), np.dstack([RGB[..., 0] / 255] * 3), rtol=1e-6)
    bits = Image.fromarray(RGB[..., 0] > 40)
    assert bits.mode == "1"
    bits.save(path)
    np.testing.assert_array_equal(io.load_image(path, False)[..., 0], RGB[..., 0] > 40)


def test_files_that_are_no_images_are_told(tmp_path):
    with pytest.raises(DataError, match="none.jpg: no such file"):
        io.load_image(tmp_path / "none.jpg")
    (tmp_path / "a.png").write_text("no")
    with pytest.raises(DataError, match="a.png: cannot be decoded: not an image"):
        io.load_image(tmp_path / "a.png")
    (tmp_path / "a.ppm").write_bytes(b"P5 2x 3 255\n......")
    with pytest.raises(DataError, match="a.ppm: cannot be decoded: .*; fetch or convert it$"):
        io.load_image(tmp_path / "a.ppm")
    Image.fromarray(RGB.astype(np.float32)[..., 0]).save(tmp_path / "a.tiff")
    with pytest.raises(DataError, match="8 or 16 bits are needed, not mode F"):
        io.load_image(tmp_path / "a.tiff")


# Messages


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (3,), (), (2, 0)])
def test_arrays_to_blobs_and_back(shape):
    data, diff = image(shape, 1), image(shape, 2)
    blob = io.array_to_blobproto(data, diff)
    assert list(blob.shape.dim) == list(shape)
    back = io.blobproto_to_array(blob)
    assert back.dtype == np.float64 and back.shape == shape
    np.testing.assert_array_equal(back, data)
    np.testing.assert_array_equal(io.blobproto_to_array(blob, return_diff=True), diff)


def test_blobs_of_old_files_and_of_doubles():
    blob = caffe_pb2.BlobProto(num=1, channels=2, height=1, width=3, data=range(6))
    np.testing.assert_array_equal(io.blobproto_to_array(blob), np.arange(6.0).reshape(1, 2, 1, 3))
    doubles = caffe_pb2.BlobProto(shape={"dim": [2]}, double_data=[0.1, 0.2])
    assert io.blobproto_to_array(doubles).tolist() == [0.1, 0.2]


def test_lists_of_blobs():
    arrays = [image((2, 3)), image((4,), 1)]
    back = io.blobprotovector_str_to_arraylist(io.arraylist_to_blobprotovector_str(arrays))
    for array, other in zip(arrays, back, strict=True):
        np.testing.assert_array_equal(array, other)


def test_datums():
    levels = (image((2, 3, 4)) * 255).astype(np.uint8)
    datum = io.array_to_datum(levels, 7)
    assert (datum.channels, datum.height, datum.width, datum.label) == (2, 3, 4, 7)
    assert datum.data == levels.tobytes() and not datum.float_data
    back = io.datum_to_array(datum)
    assert back.dtype == np.uint8 and back.flags.writeable
    np.testing.assert_array_equal(back, levels)
    floats = io.array_to_datum(image((2, 3, 4)))
    assert not floats.HasField("label") and not floats.data
    assert io.datum_to_array(floats).dtype == np.float64
    np.testing.assert_array_equal(io.datum_to_array(floats), image((2, 3, 4)))


def test_a_mean_file_reaches_the_transformer(tmp_path):
    """The usual lines of a script that reads a mean.binaryproto."""
    mean = image((3, 4, 5), 3, 0, 200)
    path = tmp_path / "mean.binaryproto"
    path.write_bytes(io.array_to_blobproto(mean[None]).SerializeToString())
    blob = caffe.proto.caffe_pb2.BlobProto()
    blob.ParseFromString(path.read_bytes())
    transformer = io.Transformer({"data": (1, 3, 4, 5)})
    transformer.set_transpose("data", (2, 0, 1))
    transformer.set_mean("data", io.blobproto_to_array(blob)[0])
    data = transformer.preprocess("data", np.zeros((4, 5, 3)))
    np.testing.assert_allclose(data, -mean)
