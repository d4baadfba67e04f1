"""What the failure of another library becomes: one error of this package, in one line."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from caffe_lite.errors import CaffeError

MakeError = Callable[[str], CaffeError]
_LONGEST = 200  # characters of a reason


@contextmanager
def foreign(make_error: MakeError) -> Iterator[None]:
    """Raise `make_error(reason)` for whatever the block raises; `CaffeError`s pass unchanged.

    Pillow, HDF5, LevelDB and zipfile raise nearly any exception for a damaged file, so none is
    listed here. Keep the block to calls of the library, or a fault of our own would be reported as
    damage; the original exception stays the cause.

        with foreign(lambda reason: DataError(f"{path}: cannot be decoded: {reason}")):
            picture = Image.open(file)
    """
    try:
        yield
    except CaffeError:
        raise
    except Exception as error:
        raise make_error(reason(error)) from error


def reason(error: Exception) -> str:
    """The first line of the exception's text, or its type's name if it has none."""
    if isinstance(error, MemoryError):
        return "not enough memory"
    text: object = error
    if isinstance(error, OSError) and error.strerror:
        text = error.strerror
    elif error.args and isinstance(error.args[0], bytes):
        text = error.args[0].decode("utf-8", "replace")
    elif isinstance(error, KeyError) and error.args:  # its str() would be quoted
        text = error.args[0]
    lines = [line.strip() for line in str(text).splitlines()]
    shown = shorten(next(filter(None, lines), ""), _LONGEST)
    return shown or type(error).__name__


def shorten(text: str, longest: int = 40) -> str:
    """`text` as an error quotes it: printable, and at most `longest` characters."""
    text = text[: longest + 1]
    text = text if len(text) <= longest else text[: longest - 3] + "..."
    return "".join(each if each.isprintable() else "?" for each in text)
