"""Describe a net: its layers with shapes, parameters, multiply-adds and memory.

The data that the net reads need not be there: a data layer whose source is missing is described by
what its definition tells; --shape gives what it does not.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from caffe_lite.cli import options

if TYPE_CHECKING:
    from caffe_lite.net import Net
    from caffe_lite.summary import LayerSummary


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="NET", help="the net's prototxt")
    options.add_net_state(parser, "TEST")
    options.add_flag(parser, "shape", action="append", default=[], metavar="TOP=N,C,H,W",
                     help="the shape of a data layer's top, where its definition leaves it open")
    options.add_flag(parser, "json", action="store_true", help="print JSON, one object per net")
    options.add_unknown_fields(parser)


def run(args: argparse.Namespace) -> int:
    from caffe_lite.cli.log import start_log
    from caffe_lite.net import Net
    from caffe_lite.proto import load
    from caffe_lite.sourceless import without_sources
    from caffe_lite.summary import summarize

    start_log(quiet=True)
    param = load.load_net(args.model, unknown=args.unknown_fields)
    phase, stages = options.phase(args), options.stages(args)
    shapes = dict(_shape(given) for given in args.shape)
    param = without_sources(param, phase, level=args.level, stages=stages, shapes=shapes)
    with Net(param, phase, level=args.level, stages=stages) as net:
        rows = summarize(net)
        if args.json:
            print(json.dumps({"name": net.name, "layers": [asdict(row) for row in rows]}))
        else:
            _print_table(net, rows)
    return 0


def _shape(given: str) -> tuple[str, tuple[int, ...]]:
    from caffe_lite.errors import UsageError

    name, _, dims = given.partition("=")
    try:
        shape = tuple(int(d) for d in dims.split(","))
    except ValueError:
        shape = ()
    if not name or not shape or min(shape) < 1:
        raise UsageError(f"--shape {given}: expected TOP=N,C,H,W, as --shape data=10,3,227,227")
    return name, shape


def _print_table(net: Net, rows: list[LayerSummary]) -> None:
    table = [("layer", "type", "tops", "parameters", "multiply-adds", "memory")]
    for row in rows:
        tops = [f"{name} {'x'.join(map(str, shape)) or 'scalar'}"
                for name, shape in row.tops.items()] or ["-"]
        shared = f"({row.shared:,} shared)" if row.shared else ""
        parameters = " ".join(filter(None, [f"{row.parameters:,}" if row.parameters else "",
                                            shared]))
        table.append((row.name, row.type, tops[0], parameters,
                      f"{row.multiply_adds:,}" if row.multiply_adds else "", _bytes(row.memory)))
        table.extend(("", "", top, "", "", "") for top in tops[1:])
    widths = [max(len(line[i]) for line in table) for i in range(6)]
    rule = "  ".join("-" * width for width in widths)
    print(f'net "{net.name}", phase {"TRAIN" if net.phase == 0 else "TEST"}')
    for n, line in enumerate(table):
        cells = [text.ljust(width) if i < 3 else text.rjust(width)
                 for i, (text, width) in enumerate(zip(line, widths, strict=True))]
        print("  ".join(cells).rstrip())
        if n == 0:
            print(rule)
    print(rule)
    print(f"{len(rows)} layers, {sum(r.parameters for r in rows):,} parameters, "
          f"{sum(r.multiply_adds for r in rows):,} multiply-adds per forward pass, "
          f"{_bytes(sum(r.memory for r in rows))} of tops")


def _bytes(count: int) -> str:
    if not count:
        return ""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024 or unit == "GiB":
            return f"{count:.1f} {unit}" if unit != "B" else f"{count} B"
        count /= 1024  # type: ignore[assignment]
    raise ValueError(count)
