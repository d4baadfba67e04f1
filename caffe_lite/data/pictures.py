"""Image files opened with Pillow: the formats that people give to cv2.imread, and no others.

Pillow opens some forty formats by content, whatever the file's name says: PostScript starts
Ghostscript, others fail in ways of their own. A net's images are in one of these eight.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from caffe_lite.errors import DataError
from caffe_lite.proto.foreign import foreign
from caffe_lite.proto.sniff import describe

FORMATS = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "PPM", "JPEG2000")
_NAMES = "JPEG, PNG, BMP, GIF, TIFF, WebP, PPM or JPEG 2000"

SMALL = 2**22  # pixels: up to here every image is decoded, beyond it the file must be large too
MOST_PIXELS_PER_BYTE = 1100  # deflate packs 1,032 bytes into one


@contextmanager
def opened_picture(file: IO[bytes], name: str) -> Iterator[Any]:
    """Yield the Pillow image in `file`, its size checked and its pixels not decoded yet.

    Whatever Pillow raises, here or in the block, becomes one DataError that calls the file `name`.
    """
    from PIL import Image, UnidentifiedImageError

    with foreign(
        lambda reason: DataError(f"{name}: cannot be decoded: {reason}; fetch or convert it")
    ):
        try:
            picture = Image.open(file, formats=FORMATS)
            _check_size(picture, file, name)
            yield picture
        except UnidentifiedImageError:
            raise DataError(
                f"{name}: cannot be decoded: {_kind(file)}; fetch or convert it"
            ) from None
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise DataError(f"{name}: too large to be decoded: {error} Make it smaller") from None


def _kind(file: IO[bytes]) -> str:
    file.seek(0)
    head = file.read(256)
    if head.startswith(b"\xff\xd8") or head.startswith(b"\x89PNG"):
        return "damaged"
    return describe(head) or f"not an image in {_NAMES} format, or damaged"


def _check_size(picture: Any, file: IO[bytes], name: str) -> None:
    """Refuse a size in pixels that a file of so few bytes does not hold."""
    width, height = picture.size
    if width < 1 or height < 1:
        raise DataError(f"{name}: cannot be decoded: it has {width} x {height} pixels")
    position = file.tell()
    size = file.seek(0, os.SEEK_END)
    file.seek(position)
    bits = 8 if picture.mode == "1" else 1
    if width * height > max(SMALL, MOST_PIXELS_PER_BYTE * size * bits):
        raise DataError(
            f"{name}: too large to be decoded: {width} x {height} pixels in a file of {size} "
            f"bytes; more than {MOST_PIXELS_PER_BYTE} pixels a byte are refused from {SMALL} "
            "pixels on, make it smaller or store it as PNG"
        )
