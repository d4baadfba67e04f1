"""The pairing of blobs and tensors as a file that people can edit.

    # comments, and empty lines
    conv1/0 = features.0.weight
    bn1/2 = 1
    fc6/0 = classifier.kernel : transpose, hwc 256,6,6
    lstm/1 = lstm.bias_ih_l0 + lstm.bias_hh_l0 : gates ifgo
    conv9/0 = ?

A line for each blob: a tensor, a sum of tensors or a number, then the steps that rearrange it
(`expressions.py`). A question mark is to be replaced.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from caffe_lite.errors import ModelError, did_you_mean
from caffe_lite.importer.expressions import STEPS, Expression
from caffe_lite.proto.atomic import atomic_path
from caffe_lite.proto.files import StrPath, read_bytes

_UNKNOWN = "?"


def map_text(entries: Mapping[str, Expression], problems: Mapping[str, str]) -> str:
    """The map as text; blobs with a problem get a question mark, under the problem as a comment."""
    lines, last = [], ""
    for blob, entry in entries.items():
        lines.append(f"{blob} = {entry}")
    for blob, problem in problems.items():
        if problem != last:
            lines.append(f"# {problem}")
            last = problem
        lines.append(f"{blob} = {_UNKNOWN}")
    return "\n".join(lines) + "\n"


def write_map(
    path: StrPath, entries: Mapping[str, Expression], problems: Mapping[str, str]
) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(map_text(entries, problems), encoding="utf-8")


def read_map(
    path: StrPath, blobs: Collection[str], tensors: Collection[str]
) -> dict[str, Expression]:
    """The entries of a map file for a net's `blobs` and a checkpoint's `tensors`.

    Raises ModelError with the file's line for a blob or tensor that is not there, and for a blob
    that comes twice.
    """
    try:
        text = read_bytes(path).decode("utf-8")
    except UnicodeDecodeError:
        raise ModelError(f"{path}: not UTF-8 text") from None
    found: dict[str, Expression] = {}
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        place = f"{path}:{number}"
        blob, equals, right = line.partition(" = ")
        blob = blob.strip()
        if not equals or not right.strip():
            raise ModelError(f'{place}: expected "<layer>/<number> = <tensor>", got "{line[:80]}"')
        if blob not in blobs:
            raise ModelError(f'{place}: the net has no blob "{blob}"{did_you_mean(blob, blobs)}')
        if blob in found:
            raise ModelError(f'{place}: blob "{blob}" is there twice')
        found[blob] = _expression(right.strip(), tensors, place)
    return found


def _expression(text: str, tensors: Collection[str], place: str) -> Expression:
    if text == _UNKNOWN:
        raise ModelError(f"{place}: replace the question mark by a tensor's name")
    sources, _, steps = (text, "", "") if text in tensors else text.partition(" : ")
    names = tuple(name.strip() for name in sources.split(" + "))
    if names[0] not in tensors and len(names) == 1 and not steps:
        try:
            return Expression(constant=float(sources))
        except ValueError:
            pass
    for name in names:
        if name not in tensors:
            raise ModelError(
                f'{place}: the checkpoint has no tensor "{name}"{did_you_mean(name, tensors)}'
            )
    return Expression(names, _steps(steps, place))


def _steps(text: str, place: str) -> tuple[str, ...]:
    """Steps between commas; numbers after a comma belong to the step before."""
    steps: list[str] = []
    for part in (part.strip() for part in text.split(",") if part.strip()):
        if part.isdecimal() and steps:
            steps[-1] += f",{part}"
            continue
        name = part.partition(" ")[0]
        if name not in STEPS:
            raise ModelError(
                f'{place}: unknown step "{name}"{did_you_mean(name, STEPS)}; known are '
                f"{', '.join(STEPS)}"
            )
        steps.append(part)
    return tuple(steps)
