"""Image files to arrays and back: height x width x channels, uint8, channels in the order B, G, R.

Pixels equal those of cv2.imread, which Caffe uses: a colour JPEG read as grey gives its luma plane,
other files 0.299 R + 0.587 G + 0.114 B in the decoder's fixed-point arithmetic; alpha is dropped,
not blended; a 16-bit sample keeps its upper byte; the EXIF orientation is applied.
"""

import io
import os
from typing import IO, Any

import numpy as np

from caffe_lite.data.pictures import opened_picture
from caffe_lite.data.resize import resize
from caffe_lite.errors import DataError
from caffe_lite.proto.files import open_input

_LUMA = np.array([1868, 9617, 4899], np.int32)  # B, G, R weights times 2^14, rounded
_LUMA_PNG = np.array([3737, 19234, 9797], np.int32)  # libpng's: times 2^15, truncated
_BLOCK = 1 << 18  # pixels converted at once
_WIDE = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")


def _to_grey(bgr: np.ndarray, form: str | None) -> np.ndarray:
    grey = np.empty((*bgr.shape[:2], 1), np.uint8)
    rows = max(1, _BLOCK // bgr.shape[1])  # as integers, a whole picture takes 16 bytes a pixel
    for start in range(0, len(bgr), rows):
        part = bgr[start : start + rows]
        luma = part @ _LUMA_PNG >> 15 if form == "PNG" else part @ _LUMA + 8192 >> 14
        grey[start : start + rows, :, 0] = luma
    return grey


def _narrow(picture: Any, name: str) -> Any:
    """The picture with 8-bit samples; of wider ones only 16-bit integers are accepted."""
    from PIL import Image

    if picture.mode not in _WIDE:
        return picture
    samples = np.asarray(picture)
    if samples.dtype.kind == "f" or samples.min(initial=0) < 0 or samples.max(initial=0) > 65535:
        raise DataError(f"{name}: samples of 8 or 16 bits are needed, not mode {picture.mode}")
    return Image.fromarray((samples >> 8).astype(np.uint8))


def _as_array(picture: Any, name: str, color: bool | None) -> np.ndarray:
    from PIL import ImageOps

    form = picture.format  # every conversion below forgets it
    if color is None and picture.mode in _WIDE:
        raise DataError(f"{name}: image data must be 8-bit, not mode {picture.mode}; convert it")
    if color is not None:
        ImageOps.exif_transpose(picture, in_place=True)
    picture = _narrow(picture, name)
    if picture.mode in ("1", "L") or (color is False and picture.mode == "LA"):
        grey = np.asarray(picture.convert("L"))[..., None]
        return grey if not color else np.repeat(grey, 3, axis=2)
    transparent = picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info
    if color is None and transparent:
        return np.ascontiguousarray(np.asarray(picture.convert("RGBA"))[..., [2, 1, 0, 3]])
    if transparent:
        picture = picture.convert("RGBA")  # keeps the colours under the transparent pixels
    rgb = picture if picture.mode == "RGB" else picture.convert("RGB")
    # Pillow reorders the channels as it copies them out; NumPy takes longer for that alone.
    samples = np.frombuffer(rgb.tobytes("raw", "BGR"), np.uint8)
    bgr = samples.reshape(rgb.height, rgb.width, 3)
    return bgr.copy() if color is not False else _to_grey(bgr, form)


def _decode(file: IO[bytes], name: str, color: bool | None) -> np.ndarray:
    with opened_picture(file, name) as picture:
        if color is False and picture.format in ("JPEG", "MPO"):  # MPO: several JPEGs in one file
            picture.draft("L", picture.size)
        picture.load()
        return _as_array(picture, name, color)


def decode_image(data: bytes, color: bool | None = True, name: str = "image") -> np.ndarray:
    """Decode the bytes of an image file to (H, W, C) uint8, B G R.

    `color` True gives 3 channels, False one, None as many as the file has (1, 3, or 4 with alpha)
    and ignores its EXIF orientation. Errors (`DataError`) call the image `name`.
    """
    return _decode(io.BytesIO(data), name, color)


def open_image(path: str | os.PathLike[str]) -> IO[bytes]:
    """The file at `path`, open for reading; DataError unless it is a regular one."""
    name = os.fspath(path)
    return open_input(path, lambda reason: DataError(f"{name}: {reason}"), pipe=False)


def read_image(
    path: str | os.PathLike[str],
    height: int = 0,
    width: int = 0,
    color: bool = True,
    min_height: int = 0,
    min_width: int = 0,
) -> np.ndarray:
    """Read an image file as (H, W, C) uint8, B G R, C = 3 or, with `color` False, 1.

    If `height` and `width` are both positive, it is resized to them, ignoring its aspect ratio.
    Otherwise an image smaller than `min_height` x `min_width` is enlarged, keeping its aspect
    ratio, until the side that is further below its minimum reaches it (fields of LRCN's dialect).
    """
    name = os.fspath(path)
    with open_image(path) as file:
        image = _decode(file, name, color)
    if height > 0 and width > 0:
        return resize(image, height, width)
    rows, columns = image.shape[:2]
    if rows >= min_height and columns >= min_width:
        return image
    if min_width - columns > min_height - rows:
        return resize(image, int(min_width * (rows / columns) + 0.5), min_width)
    return resize(image, min_height, int(min_height * (columns / rows) + 0.5))


def encode_image(image: np.ndarray, form: str = "PNG", quality: int = 95) -> bytes:
    """Encode `image` (H, W, 1 or 3) uint8, B G R, as "PNG" or "JPEG" (of `quality` 1 to 100)."""
    from PIL import Image

    image = image if image.ndim == 3 else image[..., None]
    picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image[..., ::-1])
    file = io.BytesIO()
    picture.save(file, form, **({"quality": quality} if form == "JPEG" else {}))
    return file.getvalue()


def write_image(path: str | os.PathLike[str], image: np.ndarray, quality: int = 95) -> None:
    """Write `image` (H, W, 1 or 3) uint8, B G R, in the format of the path's extension."""
    endings = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
    name = os.fspath(path)
    form = endings.get(os.path.splitext(name)[1].lower())
    if form is None:
        raise DataError(f"{name}: images are written as {', '.join(endings)}; use one of these")
    data = encode_image(image, form, quality)
    try:
        with open(path, "wb") as file:
            file.write(data)
    except OSError as error:
        raise DataError(f"{name}: cannot be written: {error.strerror}") from None
