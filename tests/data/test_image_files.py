"""Image files as cv2.imread reads them: channels, grey levels, orientation; broken files."""

import io

import numpy as np
import pytest
from PIL import Image

from caffe_lite.data import images
from caffe_lite.data.images import decode_image, encode_image, read_image, write_image
from caffe_lite.data.resize import resize
from caffe_lite.errors import DataError


@pytest.fixture
def picture(rng):
    return rng.integers(0, 256, (7, 5, 3), dtype=np.uint8)


def saved(picture, form, **options):
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def test_channels_are_blue_green_red(picture, tmp_path):
    write_image(tmp_path / "a.png", picture)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), picture)
    rgb = np.asarray(Image.open(tmp_path / "a.png"))
    np.testing.assert_array_equal(rgb, picture[..., ::-1])


def test_grey_of_png_and_of_others(picture):
    b, g, r = picture.astype(int).transpose(2, 0, 1)
    png = (3737 * b + 19234 * g + 9797 * r) // 2**15
    np.testing.assert_array_equal(decode_image(encode_image(picture), False)[..., 0], png)
    bmp = saved(Image.fromarray(picture[..., ::-1]), "BMP")
    rounded = (1868 * b + 9617 * g + 4899 * r + 2**13) // 2**14
    np.testing.assert_array_equal(decode_image(bmp, False)[..., 0], rounded)


def test_grey_of_jpeg_is_its_luma_plane(picture):
    data = encode_image(picture, "JPEG")
    luma = np.asarray(Image.open(io.BytesIO(data)).convert("YCbCr"))[..., 0].astype(int)
    assert np.abs(decode_image(data, False)[..., 0] - luma).max() <= 2
    assert decode_image(data).shape == (7, 5, 3)


def test_grey_files(rng):
    grey = rng.integers(0, 256, (4, 3, 1), dtype=np.uint8)
    data = encode_image(grey)
    np.testing.assert_array_equal(decode_image(data), np.repeat(grey, 3, 2))
    for color in (False, None):
        np.testing.assert_array_equal(decode_image(data, color), grey)


def test_alpha_is_dropped_or_kept_but_never_blended(rng):
    rgba = rng.integers(0, 256, (4, 3, 4), dtype=np.uint8)
    data = saved(Image.fromarray(rgba), "PNG")
    np.testing.assert_array_equal(decode_image(data), rgba[..., 2::-1])
    np.testing.assert_array_equal(decode_image(data, None), rgba[..., [2, 1, 0, 3]])


def test_sixteen_bits_keep_the_upper_byte(rng):
    wide = rng.integers(0, 65536, (4, 3)).astype(np.uint16)
    data = saved(Image.fromarray(wide), "PNG")
    np.testing.assert_array_equal(decode_image(data, False)[..., 0], wide >> 8)
    with pytest.raises(DataError, match="must be 8-bit"):
        decode_image(data, None)


def test_orientation_is_applied_unless_the_file_is_taken_as_it_is(picture):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rows are columns
    data = saved(Image.fromarray(picture[..., ::-1]), "PNG", exif=exif)
    np.testing.assert_array_equal(decode_image(data), np.rot90(picture, -1))
    np.testing.assert_array_equal(decode_image(data, None), picture)


def test_sizes(picture, tmp_path):
    path = tmp_path / "a.png"
    write_image(path, picture)
    np.testing.assert_array_equal(read_image(path, 3, 9), resize(picture, 3, 9))
    np.testing.assert_array_equal(read_image(path, 3, 0), picture)  # one of both does nothing
    # 7 x 5 pixels: the width lacks more, then the height.
    assert read_image(path, min_height=9, min_width=10).shape == (14, 10, 3)
    assert read_image(path, min_height=21, min_width=10).shape == (21, 15, 3)
    assert read_image(path, min_height=7, min_width=5).shape == (7, 5, 3)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.JPEG"])
def test_forms(name, rng, tmp_path):
    grey = rng.integers(0, 256, (4, 3, 1), dtype=np.uint8)
    write_image(tmp_path / name, grey, quality=100)
    assert np.abs(read_image(tmp_path / name, color=False).astype(int) - grey).max() <= 2


def test_broken_files(picture, tmp_path, pointer):
    big = encode_image(np.tile(picture, (30, 30, 1)))
    (tmp_path / "cut.png").write_bytes(big[: len(big) // 2])
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "empty.png").write_bytes(b"")
    told = {
        "cut.png": "truncated",
        "text.png": "not an image",
        "empty.png": "not an image",
        pointer.name: "Git LFS",
        "absent.png": "no such file",
    }
    for name, reason in told.items():
        with pytest.raises(DataError, match=f"{name}.*{reason}") as error:
            read_image(tmp_path / name)
        assert "\n" not in str(error.value)
    with pytest.raises(DataError, match=r"\.png, \.jpg"):
        write_image(tmp_path / "a.gif", picture)


@pytest.mark.parametrize("limit", [30, 59, 60])
def test_images_that_pillow_deems_too_large(monkeypatch, limit):
    from PIL import Image

    # Beyond the limit Pillow warns, which pytest here makes an error; beyond twice that it raises.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    data = encode_image(np.zeros((10, 6 + (limit == 30), 3), np.uint8))
    if limit == 60:
        assert decode_image(data).shape == (10, 6, 3)
        return
    with pytest.raises(DataError, match=r"^image: too large to be decoded: .*\. Make it smaller$"):
        decode_image(data)


def test_grey_is_computed_in_blocks(picture, monkeypatch):
    whole = decode_image(encode_image(picture), False)
    monkeypatch.setattr(images, "_BLOCK", 11)  # two rows of five pixels; seven rows in all
    np.testing.assert_array_equal(decode_image(encode_image(picture), False), whole)
