"""Testing detection: judged detections of all batches become a mean average precision."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from caffe_lite.errors import SolverError
from caffe_lite.forks.boxes.average_precision import VERSIONS, average_precision
from caffe_lite.solvers import events

if TYPE_CHECKING:
    from caffe_lite.nets.net import Net

log = logging.getLogger("caffe_lite.solver")

# image, label, score, true, false; or -1, label, number of objects, -1, -1
Row = tuple[float, float, float, float, float]
_COLUMNS = 5


def detection_problem(param: Any) -> str:
    """What is wrong with the fields of a SolverParameter that are about detection, or ""."""
    if param.eval_type not in ("classification", "detection"):
        return f'eval_type must be "classification" or "detection", got "{param.eval_type}"'
    if param.ap_version not in VERSIONS:
        return f'ap_version must be one of {", ".join(VERSIONS)}, got "{param.ap_version}"'
    return ""


def detects(param: Any) -> bool:
    """Whether tests of the solver evaluate detections."""
    return param.eval_type == "detection"


class DetectionScores:
    """What the judged detections of a test net, batch by batch, come to."""

    def __init__(self, net: Net, version: str) -> None:
        self._net, self._version = net, version
        self._rows: dict[str, list[Row]] = {name: [] for name in net.outputs}

    def add(self) -> None:
        """Take the outputs of a forward pass."""
        net = self._net
        for name, rows in self._rows.items():
            shape = net.blobs[name].shape
            if shape[-1:] != (_COLUMNS,):
                raise SolverError(
                    f'net "{net.name}": test output "{name}" has shape {shape}; with eval_type: '
                    f'"detection" every output must be of DetectionEvaluate, (1, 1, rows, '
                    f"{_COLUMNS}); end the others in a Silence layer"
                )
            values = net.ops.to_host(net.blobs[name].data).reshape(-1, _COLUMNS)
            rows.extend(map(tuple, values.tolist()))

    def results(self) -> tuple[tuple[events.Output, ...], tuple[events.ClassPrecision, ...]]:
        """The mean average precision of each output, and the average precisions of classes."""
        outputs: list[events.Output] = []
        classes: list[events.ClassPrecision] = []
        for name, rows in self._rows.items():
            objects, found = _by_label(rows)
            for label in objects:
                if label not in found:
                    log.warning("Missing true_pos for label: %d", label)
            precisions = {
                label: average_precision(*found[label], count, self._version)
                for label, count in objects.items()
                if label in found
            }
            mean = sum(precisions.values()) / max(len(objects), 1)
            outputs.append(events.Output(len(outputs), name, mean, 0.0))
            classes += [events.ClassPrecision(name, *each) for each in precisions.items()]
        return tuple(outputs), tuple(classes)


def _by_label(rows: list[Row]) -> tuple[dict[int, int], dict[int, tuple[list[float], list[bool]]]]:
    """By label: the number of objects; and of the detections, scores and which are true.

    Detections that are neither true nor false, of difficult objects, are left out.
    """
    objects: dict[int, int] = {}
    found: dict[int, tuple[list[float], list[bool]]] = {}
    for image, label, value, true, false in rows:
        if image == -1:
            objects[int(label)] = objects.get(int(label), 0) + int(value)
        elif true or false:
            scores, verdicts = found.setdefault(int(label), ([], []))
            scores.append(value)
            verdicts.append(bool(true))
    return dict(sorted(objects.items())), found
