"""Datums: raw, float and encoded, there and back; records that are none."""

import numpy as np
import pytest

from caffe_lite.data.datum import decode, encode
from caffe_lite.data.images import encode_image
from caffe_lite.errors import DataError
from caffe_lite.proto import schema
from tests.layers.sources import encode_file


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_there_and_back(dtype, rng):
    image = rng.integers(0, 256, (2, 3, 5)).astype(dtype)
    made, label = decode(encode(image, 7))
    assert made.dtype == dtype and label == 7
    np.testing.assert_array_equal(made, image)


def test_layout_of_a_raw_datum(rng):
    image = rng.integers(0, 256, (2, 3, 5), dtype=np.uint8)
    datum = schema.Datum.FromString(encode(image, 3))
    assert (datum.channels, datum.height, datum.width, datum.label) == (2, 3, 5, 3)
    assert not datum.encoded and datum.data[3 * 5 + 5 + 2] == image[1, 1, 2]


def test_encoded_images_are_bgr_planes(rng):
    image = rng.integers(0, 256, (3, 5, 3), dtype=np.uint8)
    record = encode_file(encode_image(image), 4)
    made, label = decode(record)
    assert label == 4
    np.testing.assert_array_equal(made, image.transpose(2, 0, 1))
    assert decode(record, force_gray=True)[0].shape == (1, 3, 5)
    grey = encode_file(encode_image(image[..., :1]))
    assert decode(grey)[0].shape == (1, 3, 5)
    assert decode(grey, force_color=True)[0].shape == (3, 3, 5)
    with pytest.raises(DataError, match="exclude each other"):
        decode(record, True, True)


def test_forcing_leaves_raw_datums_alone(rng):
    image = rng.integers(0, 256, (2, 3, 5), dtype=np.uint8)
    np.testing.assert_array_equal(decode(encode(image), force_color=True)[0], image)


@pytest.mark.parametrize(
    "record, reason",
    [
        (b"\xff\xff\xff", "not a Datum"),
        (b"", "must be positive"),
        (schema.Datum(channels=1, height=2, width=2, data=b"123").SerializeToString(), "3 values"),
        (
            schema.Datum(channels=1, height=-2, width=-2, data=b"1234").SerializeToString(),
            "positive",
        ),
        (encode_file(b"\x89PNG but no more"), "cannot be decoded"),
    ],
)
def test_broken_records_are_named(record, reason):
    with pytest.raises(DataError, match=f"^db, key 5: .*{reason}"):
        decode(record, name="db, key 5")
