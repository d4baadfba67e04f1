"""The errors that a user can fix, and suggestions for misspelt names.

The command line prints a `CaffeError` as one line and exits with 1; any other exception is a bug of
this package and shows its traceback. A message names the place, states the rule, and says what was
found and what to do.
"""

import re
from collections.abc import Iterable

_LONGEST = 1600  # characters of an error's text
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class CaffeError(RuntimeError):
    """An error that the user can fix: in a file, a definition, an option or the installation.

    It is a RuntimeError because scripts written for pycaffe catch that. The text is one line, even
    if a name from a file has line breaks: control characters are escaped, and a text of more than
    1,600 characters loses its middle.
    """

    def __init__(self, *args: object) -> None:
        super().__init__(*(_one_line(arg) if isinstance(arg, str) else arg for arg in args))


def _one_line(text: str) -> str:
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 2]} ... {text[-_LONGEST // 2 :]}"
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


class PrototxtError(CaffeError):
    """A definition (prototxt, or its binary form) that cannot be read.

    `file` is the name that was opened; `line` and `column` count from 1 and point at the wrong
    token. Each is None if unknown, as lines are in a binary file.
    """

    def __init__(
        self,
        message: str,
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        place = [str(part) for part in (file, line, column) if part is not None]
        super().__init__(": ".join([":".join(place), message]) if place else message)
        self.message = message
        self.file = file
        self.line = line
        self.column = column

    def __reduce__(self) -> tuple[type, tuple[str, str | None, int | None, int | None]]:
        return type(self), (self.message, self.file, self.line, self.column)


class ModelError(CaffeError):
    """A net whose layers cannot be connected, or weights that do not fit it."""


class LayerError(ModelError):
    """A layer whose parameters, bottoms or shapes are not valid for its type."""


class BottomShapeError(LayerError):
    """A bottom, the blob `blob`, that would fit if it had the shape `shape`."""

    def __init__(self, message: str, blob: str, shape: tuple[int, ...]) -> None:
        super().__init__(message)
        self.blob, self.shape = blob, shape

    def __reduce__(self) -> tuple[type, tuple[str, str, tuple[int, ...]]]:
        return type(self), (str(self), self.blob, self.shape)


class DataError(CaffeError):
    """A data source that is missing, damaged, or of another shape than the layer expects."""


class BackendError(CaffeError):
    """A device or library that is needed and not available."""


class SolverError(CaffeError):
    """A solver whose parameters contradict each other, or a snapshot that does not fit it."""


class UsageError(CaffeError):
    """Options that exclude each other, or an argument of the wrong kind."""


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """Return '; did you mean "x"?' for the candidate most like `name`, or '' if none is similar.

    Case and underscores are ignored, so `inner_product` finds `InnerProduct`.
    """
    from difflib import get_close_matches  # slower to import than this whole module

    folded: dict[str, str] = {}
    for candidate in candidates:
        folded.setdefault(_fold(candidate), candidate)
    wanted = _fold(name)
    nearest = get_close_matches(wanted, folded, n=1, cutoff=0.8)
    if not nearest:  # an abbreviation: conv for Convolution, or the other way round
        nearest = [each for each in folded if _abbreviates(wanted, each)]
        nearest.sort(key=lambda each: abs(len(each) - len(wanted)))
    if not nearest:
        nearest = get_close_matches(wanted, folded, n=1, cutoff=0.6)
    return f'; did you mean "{folded[nearest[0]]}"?' if nearest else ""


def _abbreviates(one: str, other: str) -> bool:
    return min(len(one), len(other)) >= 3 and (one.startswith(other) or other.startswith(one))


def _fold(name: str) -> str:
    return name.lower().replace("_", "")
