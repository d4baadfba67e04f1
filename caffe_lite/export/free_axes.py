"""Which axes of a net's inputs may have other sizes, and which axes of its blobs follow them.

Found by trying: an axis of an input gets another size, alone or together with axes of other inputs,
and the net's layers say whether they can take it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice, product
from typing import TypeAlias

from caffe_lite.errors import CaffeError
from caffe_lite.nets.net import Net
from caffe_lite.types import Shape

AxisOf: TypeAlias = tuple[str, int]  # a blob and one of its axes

_MOST_TRIES = 300  # for one axis of an input; reached only by nets of many inputs


@dataclass(frozen=True)
class FreeAxis:
    """Axes of inputs that have one size, `size` as given, and may have others: `sizes`.

    `moved` are the axes of blobs whose size changes with it. `name` is N for the batch, T for time
    steps, H and W for images, or the input's name and the axis.
    """

    name: str
    size: int
    members: tuple[AxisOf, ...]
    sizes: tuple[int, ...]
    moved: frozenset[AxisOf]


def free_axes(net: Net) -> list[FreeAxis]:
    """The free axes of the inputs of `net`, in the order of inputs and axes.

    Sizes that the data decide, such as how many boxes a Proposal finds, are not among them; see
    `varying_axes`. The net has the shapes that it had before.
    """
    shapes = {name: net.blobs[name].shape for name in net.inputs}
    found: list[FreeAxis] = []
    taken: set[AxisOf] = set()
    names = _Names(net)
    for name, shape in shapes.items():
        for axis, size in enumerate(shape):
            if (name, axis) in taken:
                continue
            for members in _groups((name, axis), shapes, taken):
                moved, sizes = _try_sizes(net, shapes, members, size)
                if sizes:
                    found.append(FreeAxis(names(members), size, members, sizes, moved))
                    taken.update(members)
                    break
    _set_shapes(net, shapes)
    return found


def varying_axes(net: Net) -> set[AxisOf]:
    """The axes of blobs whose sizes follow from the data, and those that follow them."""
    moved: set[AxisOf] = set()
    for layer, tops in zip(net.layers, net.top_vecs, strict=True):
        axis = layer.varying_axis
        if axis is None:
            continue
        before = {name: blob.shape for name, blob in net.blobs.items()}
        for top in tops:
            top.reshape(*top.shape[:axis], top.shape[axis] + 2, *top.shape[axis + 1 :])
        try:
            net.reshape(keep_varying=True)
        except CaffeError:  # a layer behind it takes only one size
            pass
        moved |= _moved(net, before)
        for name, shape in before.items():
            net.blobs[name].reshape(*shape)
        net.reshape(keep_varying=True)
    return moved


def _groups(
    first: AxisOf, shapes: Mapping[str, Shape], taken: set[AxisOf]
) -> Iterator[tuple[AxisOf, ...]]:
    """The axis alone, then with axes of the same size of other inputs, at most one of each.

    Few other inputs come before many.
    """
    size = shapes[first[0]][first[1]]
    others = [
        [(name, axis) for axis, d in enumerate(shape) if d == size and (name, axis) not in taken]
        for name, shape in shapes.items()
        if name != first[0]
    ]
    others = [choices for choices in others if choices]
    groups = (
        (first, *chosen)
        for count in range(len(others) + 1)
        for inputs in combinations(others, count)
        for chosen in product(*inputs)
    )
    yield from islice(groups, _MOST_TRIES)


def _try_sizes(
    net: Net, shapes: Mapping[str, Shape], members: Sequence[AxisOf], size: int
) -> tuple[frozenset[AxisOf], tuple[int, ...]]:
    """What moves with these axes, and the sizes that the net takes.

    Twice the size shows best what moves; one more is a harder test of what a net can take.
    """
    _set_shapes(net, shapes)
    before = {name: blob.shape for name, blob in net.blobs.items()}
    moved: set[AxisOf] = set()
    sizes = []
    for other in (size + 1, size + 32, 2 * size):
        try:
            _set_shapes(net, with_size(shapes, members, other))
        except CaffeError:
            if other == size + 1 and size == 1:
                break  # an axis that must be 1
            continue
        if other not in sizes:
            sizes.append(other)
        moved |= _moved(net, before)
    return frozenset(moved), tuple(sizes)


def with_size(
    shapes: Mapping[str, Shape], members: Sequence[AxisOf], size: int
) -> dict[str, Shape]:
    """Shapes of inputs with the size of these axes replaced."""
    changed = {name: list(shape) for name, shape in shapes.items()}
    for name, axis in members:
        changed[name][axis] = size
    return {name: tuple(shape) for name, shape in changed.items()}


def _set_shapes(net: Net, shapes: Mapping[str, Shape]) -> None:
    for name, shape in shapes.items():
        net.blobs[name].reshape(*shape)
    net.reshape(keep_varying=True)


def _moved(net: Net, before: Mapping[str, Shape]) -> set[AxisOf]:
    return {
        (name, axis)
        for name, blob in net.blobs.items()
        if len(blob.shape) == len(before[name])
        for axis, (now, then) in enumerate(zip(blob.shape, before[name], strict=True))
        if now != then
    }


class _Names:
    """Names of free axes, none twice."""

    def __init__(self, net: Net) -> None:
        self._recurrent = {
            net.wiring.blob_names[index]
            for node in net.wiring.nodes
            if "recurrent_param" in (node.cls.reads or ())
            for index in node.bottom[1:2]
        }
        self._shapes = {name: net.blobs[name].shape for name in net.inputs}
        self._used: set[str] = set()

    def __call__(self, members: Sequence[AxisOf]) -> str:
        steps = {axis for name, axis in members if name in self._recurrent}
        name, axis = members[0]
        images = len(self._shapes[name]) == 4
        found = f"{name}_{axis}"
        if steps:
            found = "T" if 0 in steps else "N"
        elif axis == 0:
            found = "N"
        elif images and axis > 1:
            found = "HW"[axis - 2]
        if found in self._used:
            found = f"{name}_{axis}"
        self._used.add(found)
        return found
