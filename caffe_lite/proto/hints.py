"""Suggestions for fields and values that the schema does not have."""

from functools import cache, lru_cache
from pathlib import Path

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from caffe_lite.errors import did_you_mean

_LISTS_OF_V1 = {
    "blobs_lr": "param { lr_mult: ... }",
    "weight_decay": "param { decay_mult: ... }",
    "blob_share_mode": "param { share_mode: ... }",
}


def unknown_field(descriptor: Descriptor, name: str, enclosing: list[Descriptor]) -> str:
    """The message for the field `name` that `descriptor` lacks.

    `enclosing` holds the messages around it, outermost first.
    """
    known = tuple(field.name for field in descriptor.fields)
    return f'{descriptor.name} has no field "{name}"' + (
        _renamed(descriptor, name)
        or _belongs_outside(name, enclosing)
        or _belongs_to_other_file(descriptor, name)
        or _belongs_inside(descriptor, name)
        or _belongs_to_fork(descriptor, name)
        or _near(name, known)
    )


def quoted_enum(field: FieldDescriptor, written: str, names: list[str]) -> str:
    """The message for the string `written`, given where `field` takes one of the enum `names`."""
    if written in names:
        return f'"{field.name}" takes {written} without quotes'
    if field.full_name == "caffe.V1LayerParameter.type":
        return f'"layers" is the old form; with type: "{written}" in quotes, write "layer"'
    return f'"{field.name}" takes a name without quotes{did_you_mean(written, names)}'


def _renamed(descriptor: Descriptor, name: str) -> str:
    if descriptor.name != "LayerParameter" or name not in _LISTS_OF_V1:
        return ""
    return f'; in "layer", unlike the old "layers", it is {_LISTS_OF_V1[name]}'


def _belongs_outside(name: str, enclosing: list[Descriptor]) -> str:
    for outer in reversed(enclosing):
        if name in outer.fields_by_name:
            return f'; it belongs to {outer.name}: is a "}}" missing before it?'
    return ""


def _belongs_inside(descriptor: Descriptor, name: str) -> str:
    homes = [
        field.name
        for field in descriptor.fields
        if field.message_type and name in field.message_type.fields_by_name
    ]
    if not homes:
        return ""
    shown = ", ".join(homes[:3]) + (", ..." if len(homes) > 3 else "")
    return f"; it belongs inside {shown}"


def _belongs_to_other_file(descriptor: Descriptor, name: str) -> str:
    others = {"NetParameter": "SolverParameter", "SolverParameter": "NetParameter"}
    other = descriptor.file.message_types_by_name.get(others.get(descriptor.name, ""))
    if other is None or name not in other.fields_by_name:
        return ""
    kinds = ("solver", "net") if descriptor.name == "NetParameter" else ("net", "solver")
    return "; this looks like a {} file where a {} is expected".format(*kinds)


@cache
def fork_types() -> dict[str, str]:
    """By type of layer, the forks of Caffe that have it."""
    text = Path(__file__).with_name("fork_types.txt").read_text(encoding="utf-8")
    rows = [line.split(" ", 1) for line in text.splitlines() if not line.startswith("#")]
    return dict(rows)


def type_of_fork(name: str) -> str:
    """What an error adds about a type of layer that a fork of Caffe has; "" for any other."""
    forks = fork_types().get(name)
    return f"; it belongs to {forks}, and is not supported here" if forks else ""


@cache
def _fork_fields() -> dict[tuple[str, str], str]:
    """By message and field, the forks of Caffe that have it."""
    text = Path(__file__).with_name("fork_fields.txt").read_text(encoding="utf-8")
    rows = [line.split(" ", 2) for line in text.splitlines() if not line.startswith("#")]
    return {(message, field): forks for message, field, forks in rows}


def _belongs_to_fork(descriptor: Descriptor, name: str) -> str:
    forks = _fork_fields().get((descriptor.name, name))
    return f"; it belongs to {forks}, and is not supported here" if forks else ""


@lru_cache(1024)  # a file may repeat one mistake a thousand times
def _near(name: str, known: tuple[str, ...]) -> str:
    """The hint to a field of nearly the same name: a typing error away, not merely alike."""
    folded = {each.replace("_", "").lower(): each for each in known}
    wanted = name.replace("_", "").lower()
    most = max(1, len(wanted.removesuffix("param")) // 4)
    distance, nearest = min(
        ((_edits(wanted, each), each) for each in folded), default=(most + 1, "")
    )
    return f'; did you mean "{folded[nearest]}"?' if distance <= most else ""


def _edits(one: str, other: str) -> int:
    """How many letters to add, drop, change or swap with their neighbour make `other` of `one`.

    The restricted Damerau-Levenshtein distance, by dynamic programming over prefixes.
    """
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, a in enumerate(one):
        row = [i + 1]
        for j, b in enumerate(other):
            row.append(min(last[j + 1] + 1, row[j] + 1, last[j] + (a != b)))
            if i and j and a == other[j - 1] and one[i - 1] == b:
                row[-1] = min(row[-1], before[j - 1] + 1)
        before, last = last, row
    return last[-1]
