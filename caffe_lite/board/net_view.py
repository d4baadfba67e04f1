"""The net of a run as a graph, and one of its layers at length."""

from __future__ import annotations

from typing import Any

from caffe_lite.board.filters import filters
from caffe_lite.board.live_run import LiveRun
from caffe_lite.errors import CaffeError, ModelError
from caffe_lite.layers import describe
from caffe_lite.nets.net import Net
from caffe_lite.nets.sourceless import without_sources
from caffe_lite.nets.summary import summarize
from caffe_lite.proto import schema, text
from caffe_lite.trust import trusting


def graph(run: LiveRun, phase: str) -> dict[str, Any]:
    """The net of a phase, TRAIN or TEST: its layers in order of execution, with shapes.

    `inPlace` names the tops that a layer overwrites, `shared` says that it uses another layer's
    learned blobs. Raises ModelError if the run recorded no net, or it cannot be built.
    """
    with _net(run, phase) as net:
        rows = summarize(net)
        nodes = []
        for node, row in zip(net.wiring.nodes, rows, strict=True):
            bottoms = [net.wiring.blob_names[b] for b in node.bottom]
            nodes.append(
                {
                    "name": row.name,
                    "type": row.type,
                    "bottoms": bottoms,
                    "tops": {name: list(shape) for name, shape in row.tops.items()},
                    "inPlace": [name for name in row.tops if name in bottoms],
                    "parameters": row.parameters,
                    "shared": row.shared,
                    "multiplyAdds": row.multiply_adds,
                }
            )
        return {"name": net.name, "phase": phase, "nodes": nodes}


def layer(run: LiveRun, name: str) -> dict[str, Any] | None:
    """A layer's prototxt, page, learned blobs, histograms over time and filters; None if none."""
    param = next((each for each in definition_of(run).layer if each.name == name), None)
    if param is None and run.about.get("test_nets"):
        param = next((e for e in definition_of(run, "TEST").layer if e.name == name), None)
    if param is None:
        return None
    try:
        page = describe.page(param.type)
    except CaffeError:  # of a plugin that is not installed here
        page = ""
    prefix = f"{name}["
    return {
        "name": name,
        "type": param.type,
        "prototxt": text.format(param),
        "page": page,
        "histograms": [
            {
                "iteration": event["iteration"],
                "blobs": {b: h for b, h in event["blobs"].items() if b.startswith(prefix)},
            }
            for event in run.histograms
        ],
        "filters": filters(run, name),
    }


def definition_of(run: LiveRun, phase: str = "TRAIN") -> Any:
    """The NetParameter of a phase as the run recorded it. Raises ModelError if it did not."""
    if phase not in ("TRAIN", "TEST"):
        raise ModelError(f'a phase is TRAIN or TEST, not "{phase}"')
    nets = [run.about["net"]] if "net" in run.about else []
    if nets and phase == "TEST":
        nets = run.about.get("test_nets", [])
    if not nets:
        raise ModelError(f'run "{run.name}" recorded no net for the phase {phase}')
    return text.parse(str(nets[0]), schema.NetParameter, run.name)


def _net(run: LiveRun, phase: str) -> Net:
    """The net without its data sources, and without running code that it names."""
    with trusting(False):
        described, _ = without_sources(definition_of(run, phase), {}, 0)
        return Net(described, None, seed=0, trust=False)
