"""Describe a net: its layers with shapes, parameters, multiply-adds and memory.

NET is the prototxt of a net or of a solver. For a solver, each net that it trains or tests is
described, in the states that the solver gives. The data need not be there: a data layer whose
source is missing is described by its definition. Shapes that do not follow from it are shown as
"?", unless --shape gives them. No code of the net is run unless --run-python allows it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from caffe_lite.cli import options
from caffe_lite.cli.unused_options import refuse

if TYPE_CHECKING:
    from caffe_lite.nets.describe import Described
    from caffe_lite.nets.summary import LayerSummary

Number = int | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="NET", help="the prototxt of a net or of a solver")
    options.add_net_state(parser, "TEST")
    parser.set_defaults(phase=None, level=None)
    options.add_shape(
        parser, "the shape of a data layer's top, where its definition leaves it open"
    )
    options.add_flag(
        parser,
        "run_python",
        action="store_true",
        help="import the modules that the net names, for what its Python layers and plugins in the "
        "working folder make of their inputs; do this for nets that you trust",
    )
    options.add_flag(parser, "json", action="store_true", help="print JSON, one object per net")
    options.add_unknown_fields(parser)
    options.add_no_python_layers(parser)


def run(args: argparse.Namespace) -> int:
    from caffe_lite.cli.log import start_log
    from caffe_lite.errors import UsageError
    from caffe_lite.trust import is_trusted, trusting

    start_log(quiet=True)
    if args.run_python and not is_trusted():
        raise UsageError(
            "--run-python runs code of the net, and --no-python-layers or CAFFE_LITE_SAFE=1 "
            "forbids it"
        )
    with trusting(args.run_python):
        return _run(args)


def _run(args: argparse.Namespace) -> int:
    from caffe_lite.nets.describe import describe

    shapes = options.shapes(args)
    found = [describe(param, shapes, file) for param, file in _nets(args)]
    _check_shapes(shapes, found)
    for n, net in enumerate(found):
        param = net.param
        phase = "TEST" if param.state.phase else "TRAIN"
        stages = list(param.state.stage)
        if args.json:
            print(
                json.dumps(
                    {
                        "name": param.name,
                        "phase": phase,
                        "stages": stages,
                        "not_run": list(net.not_run),
                        "inputs_added": net.inputs,
                        "layers": [asdict(row) for row in net.rows],
                    }
                )
            )
            continue
        in_stages = f", stages {', '.join(stages)}" if stages else ""
        print("\n" * bool(n) + f'net "{param.name}", phase {phase}{in_stages}')
        _print_table(net.rows)
        if net.stage_chosen:
            print(f"stage {stages[0]} was chosen, as the net is whole in it alone; see --stage")
        for name in net.inputs:
            print(f'no layer makes "{name}": it was taken as an input, as in a part of a net')
        for name, what in net.unsupported.items():
            print(f'layer "{name}": its type{what.removeprefix("; it")}; its tops are described')
        if net.guessed:
            print(f"? depends on data that is not there; give --shape {net.guessed[0]}=N,...")
        for name, what in net.not_run.items():
            print(
                f'layer "{name}" was not run, as it {what}: its learned blobs are not known, and '
                "its tops are assumed to have the shape of its first bottom; --run-python runs it"
            )
    return 0


def _check_shapes(shapes: dict[str, tuple[int, ...]], nets: list[Described]) -> None:
    """Raise UsageError for a shape that no net has used."""
    from caffe_lite.errors import UsageError, did_you_mean

    taken = set().union(*(net.open_tops for net in nets))
    for name in shapes.keys() - taken:
        tops = {top for net in nets for row in net.rows for top in row.tops}
        known = name in tops
        what = "its shape follows from the net" if known else "no layer has such a top"
        hint = "" if known else did_you_mean(name, taken)
        raise UsageError(f"--shape {name}=...: {what}{hint}")


def _nets(args: argparse.Namespace) -> Iterator[tuple[Any, str | None]]:
    """The nets to describe, their states filled in, and the file that each is from."""
    from caffe_lite.errors import UsageError
    from caffe_lite.proto import load, schema
    from caffe_lite.proto.kinds import definition_kind
    from caffe_lite.solvers import checks, nets

    if definition_kind(args.model) == "solver":
        solver = load.load_solver(args.model, unknown=args.unknown_fields)
        refuse(args, ("level", "stage"), "on a solver, which gives the states of its nets")
        checks.check_solver(solver, args.model)
        files = nets.NetFiles(args.model, args.unknown_fields)
        phase = options.phase(args) if args.phase else None
        if phase != schema.TEST:
            source = nets.train_source(solver, files)
            yield source.param, source.file
        sources = [] if phase == schema.TRAIN else nets.test_sources(solver, files)
        for source in sources:
            yield source.param, source.file
        if phase == schema.TEST and not sources:
            raise UsageError(f"{args.model}: --phase TEST: the solver tests no net")
    else:
        net = load.load_net(args.model, unknown=args.unknown_fields)
        net.state.phase = options.phase(args) if args.phase else schema.TEST
        net.state.level = args.level or 0
        net.state.stage.extend(options.stages(args))
        yield net, args.model


def _print_table(rows: list[LayerSummary]) -> None:
    table = [("layer", "type", "tops", "parameters", "multiply-adds", "memory")]
    for row in rows:
        tops = [f"{name} {_dims(shape) or 'scalar'}" for name, shape in row.tops.items()] or ["-"]
        shared = f"({_known(row.shared)} shared)" if row.shared != 0 else ""
        parameters = " ".join(filter(None, [_counted(row.parameters), shared]))
        table.append(
            (
                row.name,
                row.type,
                tops[0],
                parameters,
                _counted(row.multiply_adds),
                _bytes(row.memory),
            )
        )
        table.extend(("", "", top, "", "", "") for top in tops[1:])
    widths = [max(len(line[i]) for line in table) for i in range(6)]
    rule = "  ".join("-" * width for width in widths)
    for n, line in enumerate(table):
        cells = [
            text.ljust(width) if i < 3 else text.rjust(width)
            for i, (text, width) in enumerate(zip(line, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())
        if n == 0:
            print(rule)
    print(rule)
    print(
        f"{len(rows)} layers, {_at_least([r.parameters for r in rows])} parameters, "
        f"{_known(_sum(r.multiply_adds for r in rows))} multiply-adds per forward pass, "
        f"{_bytes(_sum(r.memory for r in rows)) or '0 B'} of tops"
    )


def _sum(numbers: Iterator[Number]) -> Number:
    known = list(numbers)
    return None if None in known else sum(filter(None, known))


def _at_least(numbers: list[Number]) -> str:
    """The sum of the numbers; where some are unknown, that it is at least that of the others."""
    known = sum(number for number in numbers if number is not None)
    return f"at least {known:,}" if None in numbers and known else _known(_sum(iter(numbers)))


def _known(number: Number) -> str:
    return "?" if number is None else f"{number:,}"


def _dims(shape: tuple[Number, ...]) -> str:
    return "x".join("?" if d is None else str(d) for d in shape)


def _counted(number: Number) -> str:
    return "" if number == 0 else _known(number)


def _bytes(count: Number) -> str:
    if count is None:
        return "?"
    size = float(count)
    if not size:
        return ""
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.1f} {unit}" if unit != "B" else f"{count} B"
        size /= 1024
    return f"{size:.1f} GiB"
