"""A net's blobs by name, where asking for one is noticed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

B = TypeVar("B")


class AskedBlobs(dict[str, B]):
    """A dict that calls `on_ask` with a name before it gives the value away.

    Whatever goes through all values asks for all of them.
    """

    def __init__(self, blobs: dict[str, B], on_ask: Callable[[str], None]) -> None:
        super().__init__(blobs)
        self._on_ask = on_ask

    def _ask_all(self) -> None:
        for name in self:
            self._on_ask(name)

    def __getitem__(self, name: str) -> B:
        if name in self:
            self._on_ask(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in self else default

    def values(self) -> Any:
        self._ask_all()
        return super().values()

    def items(self) -> Any:
        self._ask_all()
        return super().items()

    def copy(self) -> dict[str, B]:
        self._ask_all()
        return dict(super().items())

    def __reversed__(self) -> Iterator[str]:
        return super().__reversed__()
