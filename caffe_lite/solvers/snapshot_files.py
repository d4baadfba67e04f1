"""The snapshot files under a prefix: which exist, and which are removed."""

import logging
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger("caffe_lite.solver")

_STATE = r"_iter_(\d{1,10})\.solverstate(\.h5)?"
_TEMPORARY = r"\.[0-9a-f]{8}\.%s_iter_\d+\.(caffemodel|solverstate)(\.h5)?"  # see proto.atomic


@dataclass(frozen=True)
class SnapshotFiles:
    """A solver state and the weights file that is written with it."""

    iteration: int
    state: Path

    @property
    def weights(self) -> Path:
        head, _, end = self.state.name.rpartition(".solverstate")
        return self.state.with_name(f"{head}.caffemodel{end}")


def snapshots(prefix: str) -> list[SnapshotFiles]:
    """The snapshots under a prefix, by iteration; some may not be whole."""
    name = re.compile(re.escape(os.path.basename(prefix)) + _STATE)
    found = [
        SnapshotFiles(int(match[1]), path)
        for path in _files(prefix)
        if (match := name.fullmatch(path.name))
    ]
    return sorted(found, key=lambda each: (each.iteration, each.state.name))


def prune(prefix: str, iteration: int, keep: int, keep_every: int) -> None:
    """Remove all but the last `keep` snapshots up to `iteration`, which has just been written.

    Those of iterations that `keep_every` divides stay too, and so do those of later iterations,
    which another run left. A snapshot loses its state first: no state is left without weights.
    """
    earlier = [each for each in snapshots(prefix) if each.iteration <= iteration]
    iterations = sorted({iteration, *(each.iteration for each in earlier)}, reverse=True)
    kept = iterations[: max(1, keep)]
    for each in earlier:
        if each.iteration in kept or (keep_every and each.iteration % keep_every == 0):
            continue
        for path in (each.state, each.weights):
            with suppress(OSError):
                path.unlink()
        log.info("Removed snapshot %s", each.state)


def remove_temporary(prefix: str) -> None:
    """Remove the temporary files of runs under this prefix that were killed while they wrote."""
    name = re.compile(_TEMPORARY % re.escape(os.path.basename(prefix)))
    for path in _files(prefix):
        if name.fullmatch(path.name):
            with suppress(OSError):
                path.unlink()
                log.info("Removed %s, which a killed run left", path)


def _files(prefix: str) -> Iterator[Path]:
    with suppress(OSError):
        yield from Path(os.path.dirname(prefix) or ".").iterdir()
