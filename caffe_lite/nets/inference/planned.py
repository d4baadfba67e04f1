"""Run a net by its plan, and give its blobs to whoever asks as if every layer had run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from caffe_lite.backend.operations import Product, Step
from caffe_lite.backend.reference.program import Program
from caffe_lite.nets.inference.plan import make_plan
from caffe_lite.nets.inference.watch import WatchedWeights

if TYPE_CHECKING:
    from caffe_lite.nets.net import Net

MOST_SURPRISES = 2  # runs in which a layer changed a shape, after which a net is not planned


class _SurpriseError(Exception):
    """The layer at `position` ran and gave a top another shape than the plan has."""

    def __init__(self, position: int) -> None:
        self.position = position


class PlannedForward:
    """The planned forward passes of one net in the TEST phase: of the whole net, or from its start.

    A change of inputs between a forward pass and the first question for a blob that it left out
    shows in that blob: it is computed when it is asked for.
    """

    def __init__(self, net: Net) -> None:
        self._net = net
        self._asked: set[int] = set()  # positions of blobs that every pass fills
        self._position = {name: i for i, name in enumerate(net.wiring.blob_names)}
        self._parts: dict[int, PlannedPart] = {}  # by the last layer
        types = [node.param.type for node in net.wiring.nodes]
        self._begin = next((i for i, t in enumerate(types) if t != "Input"), 0)
        self.off = False  # the layers run themselves: somebody runs backward

    @property
    def memory(self) -> int:
        """Bytes of the values that have no blob; 0 before the first run."""
        return max((part.memory for part in self._parts.values()), default=0)

    @property
    def incomplete(self) -> bool:
        """Whether some blobs lack the values of the last forward pass."""
        return any(part.incomplete for part in self._parts.values())

    def ask(self, name: str) -> None:
        """Fill the blob of this name now, if the last forward pass left it out, and from now on."""
        position = self._position.get(name)
        if position is not None and position not in self._asked:
            self._asked.add(position)
            for part in self._parts.values():
                part.ask(position)

    def forward(self, start: int, last: int, watched: bool) -> bool:
        """Run layers `start` to `last` by a plan, or return False: they must run one by one.

        `watched` says that somebody wants to see each layer. Blobs that the layers need are filled.
        """
        if start <= self._begin:
            start = 0  # Input layers do nothing
        planned = start == 0 and not watched and not self.off
        for end, part in self._parts.items():
            if start == 0 and end <= last:
                part.incomplete = part.ran = False  # all of it is computed again
            elif end != start - 1:
                part.complete()
        if planned:
            if last not in self._parts:
                self._parts[last] = PlannedPart(self._net, last, self._asked)
            part = self._parts[last]
            part.forward()
            self.off = part.surprises >= MOST_SURPRISES
        return planned

    def complete(self) -> None:
        """Fill the blobs that the last forward pass left out, by running their layers."""
        for part in self._parts.values():
            part.complete()

    def run_layers(self) -> None:
        """Run the layers that the last forward pass computed without them, and plan no more.

        Backward needs what they keep of forward.
        """
        self.off = True
        for part in self._parts.values():
            part.run_layers()

    def drop(self) -> None:
        """Make new plans at the next forward pass, because blobs changed their memory."""
        self.complete()
        self._parts.clear()


class PlannedPart:
    """The plan of layers 0 to `last`, made when it runs, and again when it no longer fits.

    It fills the inputs, the outputs, what later layers read, and the blobs at positions `asked`.
    """

    def __init__(self, net: Net, last: int, asked: Iterable[int]) -> None:
        self._net = net
        self._nodes, self._layers = net.wiring.nodes[: last + 1], net.layers[: last + 1]
        later = (b for node in net.wiring.nodes[last + 1 :] for b in node.bottom)
        self._wanted = {*net.wiring.inputs, *net.wiring.outputs, *later, *asked}
        read = {b for node in self._nodes for b in node.bottom}
        self._inputs = [net.blob_list[b] for b in net.wiring.inputs if b in read]
        self._program: Program | None = None
        self._left_out: list[int] = []  # layers whose tops a run does not fill
        self._own: set[int] = set()  # layers that run themselves
        self.incomplete = False
        self.ran = False  # since the layers ran themselves
        self.surprises = 0  # runs in which a layer gave a top another shape than planned

    @property
    def memory(self) -> int:
        """Bytes of the values that have no blob; 0 before the first run."""
        return 0 if self._program is None else self._program.memory

    def ask(self, position: int) -> None:
        """Fill the blob at this position, now and from now on."""
        if position not in self._wanted:
            self._wanted.add(position)
            self.complete()
            self._program = None

    def forward(self) -> None:
        """Run the layers."""
        program = self._program
        if program is None or not self._fits():
            program = self._program = self._make()
        self.ran = True
        try:
            with self._net.running():
                program.run()
        except _SurpriseError as surprise:
            self._go_on_plainly(surprise.position)
        else:
            self.incomplete = True

    def complete(self) -> None:
        """Fill the blobs that the last run left out, by running their layers."""
        if self.incomplete:
            self._run_left_out(len(self._layers))

    def run_layers(self) -> None:
        """Run the layers that a run of the plan did without, so that they keep what they keep.

        Layers that read data or carry a state ran themselves and do not run again. A layer in place
        whose bottom is not made again is left out: its blob already holds what it makes of it.
        """
        if not self.ran or [blob.shape for blob in self._inputs] != self._input_shapes:
            return
        self.ran = self.incomplete = False
        net, again = self._net, self._stateless
        made: set[int] = set()
        with net.running():
            for i, (node, layer) in enumerate(zip(self._nodes, self._layers, strict=True)):
                runs = node.param.type != "Input" and (again or i not in self._own)
                if runs and set(node.top) & set(node.bottom) <= made:
                    layer.forward(net.bottom_vecs[i], net.top_vecs[i])
                    made.update(node.top)
                elif not runs:
                    made.difference_update(node.top)

    @property
    def _stateless(self) -> bool:
        """Whether no layer that ran itself would compute something else in a second run."""
        own = [self._layers[i] for i in self._own if self._nodes[i].param.type != "Input"]
        return not any(layer.is_data or layer.get_state() for layer in own)

    def _fits(self) -> bool:
        return (
            [blob.shape for blob in self._inputs] == self._input_shapes
            and not self._weights.changed()
            and all(blob.memory[0] == number for blob, number in self._live)
        )

    def _make(self) -> Program:
        net = self._net
        with net.running():
            net.reshape_changed(len(self._nodes) - 1)
            plan = make_plan(
                self._nodes, self._layers, net.blob_list, self._wanted, self._run_layer
            )
            held = {v: net.blob_list[b] for v, b in plan.held.items()}
            program = net.ops.program(plan.values, plan.steps, held)
        self._left_out, self._own = plan.left_out, plan.own
        self._input_shapes = [blob.shape for blob in self._inputs]
        read = {b for i, node in enumerate(self._nodes) if i not in plan.own for b in node.bottom}
        self._shapes = {b: net.blob_list[b].shape for b in read}  # that the steps rely on
        live = _live_arrays(plan.steps)
        blobs = [
            b for i, layer in enumerate(self._layers) if i not in plan.own for b in layer.blobs
        ]
        self._live = [(b, b.memory[0]) for b in blobs if b.has_data and id(b.data) in live]
        self._weights = WatchedWeights(b for b in blobs if id(b.data) not in live)
        return program

    def _run_layer(self, position: int) -> None:
        """Run a layer that a plan leaves to itself; _SurpriseError if a top changes its shape."""
        net = self._net
        net.forward_layer(position)
        for b in net.wiring.nodes[position].top:
            if net.blob_list[b].shape != self._shapes.get(b, net.blob_list[b].shape):
                raise _SurpriseError(position)

    def _go_on_plainly(self, position: int) -> None:
        """Finish a forward pass whose plan does not fit what came after layer `position`."""
        self.surprises += 1
        self._program = None
        self._run_left_out(position)
        with self._net.running():
            for i in range(position + 1, len(self._layers)):
                self._net.forward_layer(i)

    def _run_left_out(self, end: int) -> None:
        self.incomplete = False
        net = self._net
        if [blob.shape for blob in self._inputs] != self._input_shapes:
            return  # reshaped since: there are no values of this shape
        with net.running():
            for i in self._left_out:
                if i < end:
                    net.layers[i].forward(net.bottom_vecs[i], net.top_vecs[i])


def _live_arrays(steps: list[Step]) -> set[int]:
    """Identities of the arrays that a program uses in place: products read their weights there."""
    found: set[int] = set()
    for step in steps:
        if isinstance(step.operation, Product):
            found.update((id(step.operation.weight), id(step.operation.bias)))
    return found
