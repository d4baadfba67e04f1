"""The proof that an exported net computes the same: a table of differences, blob by blob."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from caffe_lite.errors import CaffeError
from caffe_lite.export.choices import Choice, choices
from caffe_lite.layers.base import Layer
from caffe_lite.nets.net import Net
from caffe_lite.types import Array, Shape

TOLERANCE = 1e-4  # for float32: sums in another order differ by about 1e-6 for each layer

Values = Mapping[str, Array]  # host arrays by the names of blobs
Runner = Callable[[Values], Values]  # runs the exported net on inputs; what it returns is compared


@dataclass(frozen=True)
class Row:
    """How far one blob differs: the largest difference over the blob's largest magnitude.

    It is infinite where shapes, NaNs or infinities differ. `shapes` says for what inputs.
    """

    blob: str
    shape: Shape
    difference: float
    inputs: str


@dataclass
class Proof:
    """The rows of all blobs that both sides have, in order of execution, run after run."""

    tolerance: float = TOLERANCE
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(
        self,
        ours: Values,
        theirs: Values,
        inputs: Values,
        chosen: Sequence[Choice] = (),
        how: str = "",
    ) -> None:
        """Compare the blobs that both sides have for these inputs, which are not compared.

        Of the blobs that hold choices the values are compared that were chosen.
        """
        described = ", ".join(f"{k} {'x'.join(map(str, v.shape))}" for k, v in inputs.items())
        sides = {name: (value, theirs[name]) for name, value in ours.items() if name in theirs}
        for choice in chosen:
            if choice.blob in sides:
                sides[choice.blob] = choice.compared(ours[choice.source], *sides[choice.blob])
        self.rows += [
            Row(name, ours[name].shape, difference(*pair), described + how)
            for name, pair in sides.items()
            if name not in inputs
        ]

    @property
    def first_difference(self) -> Row | None:
        """The first blob that differs by more than the tolerance."""
        return next((row for row in self.rows if not row.difference <= self.tolerance), None)

    @property
    def exit_code(self) -> int:
        """0 if something was compared and nothing differs, else 1."""
        return int(not self.rows or self.first_difference is not None)

    def worst(self) -> list[Row]:
        """The row with the largest difference of each blob, in order of execution."""
        largest: dict[str, Row] = {}
        for row in self.rows:
            known = largest.get(row.blob)
            if known is None or not row.difference <= known.difference:
                largest[row.blob] = row
        return list(largest.values())

    def text(self) -> str:
        """The table, and a line that says whether the nets agree."""
        rows = self.worst()
        cells = [("blob", "shape", "largest relative difference")]
        cells += [(r.blob, "x".join(map(str, r.shape)) or "scalar", _number(r)) for r in rows]
        widths = [max(len(line[i]) for line in cells) for i in range(2)]
        lines = [f"{a:{widths[0]}}  {b:{widths[1]}}  {c}" for a, b, c in cells]
        runs = list(dict.fromkeys(row.inputs for row in self.rows))
        lines += ["", *(f"inputs: {run}" for run in runs), *self.notes, self._verdict(len(rows))]
        return "\n".join(lines)

    def _verdict(self, count: int) -> str:
        if not self.rows:
            return "nothing was compared: the nets have no blob in common"
        blobs = f"{count} blob{'s' * (count != 1)}"
        first = self.first_difference
        if first is None:
            return f"{blobs} compared, all within {self.tolerance:g}"
        return (
            f'{blobs} compared; the first that differs is "{first.blob}", by {_number(first)} '
            f"(tolerance {self.tolerance:g}), for inputs {first.inputs}"
        )


def _number(row: Row) -> str:
    return f"{row.difference:.1e}"


def difference(ours: Array, theirs: Array) -> float:
    """The largest |ours - theirs|, divided by the largest finite |ours|; see `Row`."""
    if ours.shape != theirs.shape:
        return float("inf")
    if not ours.size:
        return 0.0
    a, b = ours.astype(np.float64), theirs.astype(np.float64)
    finite = np.isfinite(a)
    same = np.array_equal(finite, np.isfinite(b)) and np.array_equal(
        a[~finite], b[~finite], equal_nan=True
    )
    if not same:
        return float("inf")
    if not finite.any():
        return 0.0
    largest = float(np.abs(a[finite]).max())
    return float(np.abs(a[finite] - b[finite]).max()) / (largest or 1.0)


def prove(
    net: Net,
    run: Runner,
    trials: Sequence[Values],
    tolerance: float = TOLERANCE,
    prepare: Callable[[Values], Values] = dict,
    given: Callable[[Values], Values] = lambda ours: {},
) -> Proof:
    """Run both nets on each of `trials`, inputs by name, and compare all blobs of equal names.

    `prepare` turns the inputs of the exported net into those of `net`, where preprocessing is part
    of the exported one. `given` are further inputs of the exported one, from the blobs of `net`.
    A blob that layers change in place is compared after the last of them. A trial behind the first
    that the net itself refuses becomes a note.
    """
    proof, chosen = Proof(tolerance), choices(net)
    for i, inputs in enumerate(trials):
        try:
            ours = run_net(net, prepare(inputs))
        except CaffeError as error:
            if i == 0:
                raise
            proof.notes.append(f"not compared, as the net refuses the inputs: {error}")
            continue
        proof.add(ours, run({**inputs, **given(ours)}), inputs, chosen)
    return proof


def run_net(net: Net, inputs: Values, forget: bool = True) -> dict[str, Array]:
    """All blobs of `net` after a forward pass on `inputs`, as host arrays, in order of execution.

    A blob that layers change in place has its last value. Recurrent layers begin at zero, unless
    `forget` is false.
    """
    for layer in net.layers if forget else ():
        _forget(layer)
    for name, value in inputs.items():
        net.blobs[name].reshape(*value.shape)
        net.blobs[name].load(value)
    net.forward()
    return {name: net.ops.to_host(blob.data).copy() for name, blob in net.blobs.items()}


def _forget(layer: Layer) -> None:
    """Set the states that a recurrent layer carried from the last forward pass to zero."""
    state = layer.get_state()
    if "carried" in state:
        layer.set_state({**state, "carried": [0 * array for array in state["carried"]]})
