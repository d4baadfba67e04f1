"""Batches whose shapes are known only once they are made."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from caffe_lite.types import Array, Shape, State


class UnsizedBatches(ABC):
    """A source of `Batches` that makes the next batch when its shapes are asked for.

    The state is that before the batch which is made and not yet taken.
    """

    def __init__(self) -> None:
        self._made: list[Array] | None = None
        self._before: State = {}

    def shapes(self) -> list[Shape]:
        if self._made is None:
            self._before = self.position()
            self._made = self.make()
        return [array.shape for array in self._made]

    def fill(self, arrays: Sequence[Array]) -> None:
        made = self._made or self.make()
        self._made = None
        for array, values in zip(arrays, made, strict=True):
            array[...] = values

    def get_state(self) -> State:
        return self.position() if self._made is None else self._before

    def set_state(self, state: State) -> None:
        self._made = None
        self.seek(state)

    @abstractmethod
    def make(self) -> list[Array]:
        """The next batch, an array for each top."""

    @abstractmethod
    def position(self) -> State:
        """Where `make` goes on, as plain numbers, lists and dicts."""

    @abstractmethod
    def seek(self, state: State) -> None:
        """Go on from a state that `position` returned."""
