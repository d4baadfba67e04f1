"""Which image files are opened at all: eight formats, regular files, plausible sizes."""

import io
import os
import struct
import subprocess
import zlib

import numpy as np
import pytest
from PIL import EpsImagePlugin, Image

from caffe_lite.data import datum, pictures
from caffe_lite.data.images import decode_image, read_image
from caffe_lite.errors import DataError
from caffe_lite.proto import schema

POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n%%EOF\n"


@pytest.fixture
def picture(rng):
    return rng.integers(0, 256, (7, 5, 3), dtype=np.uint8)


def saved(picture, form, **options):
    file = io.BytesIO()
    Image.fromarray(picture[..., ::-1]).save(file, form, **options)
    return file.getvalue()


def encoded(data):
    return schema.Datum(encoded=True, data=data).SerializeToString()


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("PNG", {}),
        ("BMP", {}),
        ("TIFF", {}),
        ("WEBP", {"lossless": True}),
        ("PPM", {}),
        ("JPEG2000", {"irreversible": False}),
        ("GIF", {}),
        ("JPEG", {"quality": 100, "subsampling": 0}),
    ],
)
def test_the_formats_that_are_read(picture, form, options, tmp_path):
    data = saved(picture, form, **options)
    (tmp_path / "any.name").write_bytes(data)
    exact = form not in ("GIF", "JPEG")
    for got in (
        read_image(tmp_path / "any.name"),
        datum.decode(encoded(data), force_color=True)[0].transpose(1, 2, 0),
    ):
        assert np.abs(got.astype(int) - picture).max() <= (0 if exact else 12)


def test_the_first_of_several_frames(picture):
    other = Image.fromarray(255 - picture[..., ::-1])
    gif = saved(picture, "GIF", save_all=True, append_images=[other])
    assert np.abs(decode_image(gif).astype(int) - picture).max() <= 12
    grey = np.repeat(picture[..., :1], 3, axis=2)
    several = saved(grey, "MPO", save_all=True, append_images=[other], quality=100)
    assert Image.open(io.BytesIO(several)).format == "MPO"
    assert np.abs(decode_image(several, False).astype(int) - grey[..., :1]).max() <= 2


@pytest.mark.parametrize("form", ["EPS", "DDS", "SGI", "TGA", "PCX", "ICO", "SPIDER", "PDF"])
def test_other_formats_are_refused(picture, form, tmp_path, monkeypatch):
    """No other decoder starts, whatever the file's name says."""
    monkeypatch.setattr(subprocess, "Popen", None)
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", None)
    if form == "EPS":
        data = POSTSCRIPT
    elif form == "SPIDER":
        file = io.BytesIO()
        Image.fromarray(picture[..., 0].astype(np.float32)).save(file, form)
        data = file.getvalue()
    else:
        data = saved(picture, form)
    (tmp_path / "cat.jpg").write_bytes(data)
    for read in (
        lambda: read_image(tmp_path / "cat.jpg"),
        lambda: datum.decode(encoded(data), name="cat.jpg"),
    ):
        with pytest.raises(DataError, match=r"cat\.jpg: cannot be decoded: not an image in JPEG"):
            read()


def png(width, height, depth=8):
    """A PNG that says it has this size and holds next to nothing."""

    def chunk(kind, content):
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    rows = zlib.compress(bytes(100))
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", rows), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_sizes_that_the_file_cannot_hold_are_refused_before_decoding(monkeypatch):
    decoded = []
    monkeypatch.setattr(Image.Image, "load", lambda self: decoded.append(self.size))
    data = png(8192, 8191)
    with pytest.raises(DataError) as error:
        decode_image(data, name="bomb.png")
    assert str(error.value) == (
        f"bomb.png: too large to be decoded: 8192 x 8191 pixels in a file of {len(data)} bytes; "
        "more than 1100 pixels a byte are refused from 4194304 pixels on, make it smaller or "
        "store it as PNG"
    )
    assert not decoded


def test_blank_pictures_are_no_bombs(monkeypatch):
    monkeypatch.setattr(pictures, "SMALL", 100)
    blank = np.zeros((900, 700, 3), np.uint8)
    for form in ("PNG", "TIFF", "JPEG"):
        options = {"compression": "tiff_deflate"} if form == "TIFF" else {}
        assert decode_image(saved(blank[..., :1].repeat(3, 2), form, **options)).any() == 0
    file = io.BytesIO()
    Image.new("1", (2000, 2000)).save(file, "PNG")  # 8 pixels to a byte before compression
    assert decode_image(file.getvalue(), False).shape == (2000, 2000, 1)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_pipes_devices_and_folders_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    for path, kind in ((tmp_path / "pipe.png", "pipe"), ("/dev/zero", "device or socket")):
        with pytest.raises(DataError, match=f"^{path}: is a {kind}; a file is expected$"):
            read_image(path)
    with pytest.raises(DataError, match="is a folder"):
        read_image(tmp_path)
    with pytest.raises(DataError, match="cannot be read: embedded null"):
        read_image("a\0b.png")


@pytest.mark.parametrize("error", [RuntimeError, NotImplementedError, TypeError, AttributeError])
def test_whatever_a_decoder_raises_is_one_error(picture, monkeypatch, error):
    def load(self):
        raise error("in two\nlines")

    data = saved(picture, "PNG")
    monkeypatch.setattr(Image.Image, "load", load)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", load)
    with pytest.raises(DataError, match="^a: cannot be decoded: in two; fetch") as caught:
        decode_image(data, name="a")
    assert isinstance(caught.value.__cause__, error)
