"""Image files as the records that Caffe's convert_imageset writes: equal byte for byte."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from caffe_lite.data.images import encode_image, open_image, read_image
from caffe_lite.data.lists import read_lines, whole_number
from caffe_lite.errors import DataError
from caffe_lite.proto import schema
from caffe_lite.proto.foreign import shorten

# How OpenCV names the formats that it encodes to, and how Pillow does.
ENCODINGS = {"png": "PNG", "jpg": "JPEG", "jpeg": "JPEG", "bmp": "BMP"}
_AHEAD = 64  # images that are decoded at a time


@dataclass(frozen=True)
class Entry:
    """A line of a list: `path` as it is written, and the image's label."""

    path: str
    label: int


def read_entries(source: str | os.PathLike[str]) -> list[Entry]:
    """The entries of a list of lines "path label".

    A path may contain spaces: the label follows the last one. Raises DataError, with the line, for
    a label that is no whole number.
    """
    entries = []
    for number, line in read_lines(source, "images and labels"):
        path, _, label = line.rpartition(" ")
        value = whole_number(label)
        if not path or value is None:
            raise DataError(
                f"{os.fspath(source)}:{number}: expected a path and a whole number, "
                f'got "{shorten(line, 100)}"'
            )
        entries.append(Entry(path, value))
    return entries


@dataclass(frozen=True)
class Conversion:
    """How images become records.

    `height` and `width`: the size that images get if both are positive. `encode_type`: store the
    bytes of an image file of this type ("png", "jpg", "bmp"), "" for that of each file's name, None
    for pixels. A file that is stored as it is is not decoded to grey.
    """

    height: int = 0
    width: int = 0
    color: bool = True
    encode_type: str | None = None

    def record(self, path: str, label: int) -> tuple[bytes, tuple[int, ...]]:
        """The Datum of an image file, serialized, and the shape (C, H, W) of the image.

        Raises DataError for a file that is no image, and for a type that cannot be encoded.
        """
        image = read_image(path, self.height, self.width, self.color)
        pixels = image.transpose(2, 0, 1)
        datum = schema.Datum(label=label)
        if self.encode_type is None:
            datum.channels, datum.height, datum.width = pixels.shape
            datum.data = pixels.tobytes()
            datum.encoded = False
        else:
            ending = os.path.splitext(path)[1][1:].lower()
            kind = self.encode_type.lower() or ending
            resized = self.height or self.width
            if not resized and (ending == kind or (kind, ending) == ("jpg", "jpeg")):
                with open_image(path) as file:
                    datum.data = file.read()
            elif kind in ENCODINGS:
                datum.data = encode_image(image, ENCODINGS[kind])
            else:
                known = ", ".join(ENCODINGS)
                raise DataError(f'{path}: cannot be encoded as "{kind}"; known types: {known}')
            datum.encoded = True
        return datum.SerializeToString(), pixels.shape


Converted = tuple[bytes, tuple[int, ...]] | DataError


def convert(
    entries: list[Entry], root: str, conversion: Conversion
) -> Iterator[tuple[bytes, Converted]]:
    """The key and the record of each entry, in order; for an image that cannot be read, the error.

    `root` is put before each path as it is. The key is the entry's number, of eight digits, and its
    path. Images are decoded by several threads.
    """

    def converted(entry: Entry) -> Converted:
        try:
            return conversion.record(root + entry.path, entry.label)
        except DataError as error:
            return error

    numbered = iter(enumerate(entries))
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as threads:
        while block := list(islice(numbered, _AHEAD)):
            results = threads.map(converted, (entry for _, entry in block))
            for (number, entry), result in zip(block, results, strict=True):
                yield os.fsencode(f"{number:08d}_{entry.path}"), result
