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
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from caffe_lite.cli import options
from caffe_lite.cli.unused_options import refuse

if TYPE_CHECKING:
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
    shapes = options.shapes(args)
    found = [_describe_in_a_stage(param, shapes, file) for param, file in _nets(args)]
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
        if net.guessed:
            print(f"? depends on data that is not there; give --shape {net.guessed[0]}=N,...")
        for name, what in net.not_run.items():
            print(
                f'layer "{name}" was not run, as it {what}: its learned blobs are not known, and '
                "its tops are assumed to have the shape of its first bottom; --run-python runs it"
            )
    return 0


@dataclass
class Described:
    """A net's rows; the tops whose shapes are not known, and those that --shape could give.

    `not_run` says, by name of the layer, what it would do that only --run-python allows.
    """

    param: Any
    rows: list[LayerSummary]
    guessed: list[str]
    open_tops: set[str]
    not_run: dict[str, str]
    stage_chosen: bool = False


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


def _not_run(param: Any) -> dict[str, str]:
    """By layer name, what --run-python would allow, where the layer is not known without it.

    LRCN's clip layers ship with this package, which knows their shapes.
    """
    from caffe_lite.nets.graph import filter_net
    from caffe_lite.nets.untrusted import danger
    from caffe_lite.plugins import shipped_module
    from caffe_lite.trust import is_trusted

    if is_trusted():
        return {}
    return {
        layer.name: danger(layer)
        for layer in filter_net(param).layer
        if danger(layer) and layer.top and not shipped_module(layer.python_param.module)
    }


def _nets(args: argparse.Namespace) -> Iterator[tuple[Any, str | None]]:
    """The nets to describe, their states filled in, and the file that each is from."""
    from caffe_lite.proto import load, schema
    from caffe_lite.proto.kinds import definition_kind
    from caffe_lite.solvers import checks, nets

    if definition_kind(args.model) == "solver":
        solver = load.load_solver(args.model, unknown=args.unknown_fields)
        refuse(args, ("phase", "level", "stage"), "on a solver, which gives the states of its nets")
        checks.check_solver(solver, args.model)
        files = nets.NetFiles(args.model, args.unknown_fields)
        for source in (nets.train_source(solver, files), *nets.test_sources(solver, files)):
            yield source.param, source.file
    else:
        net = load.load_net(args.model, unknown=args.unknown_fields)
        net.state.phase = options.phase(args) if args.phase else schema.TEST
        net.state.level = args.level or 0
        net.state.stage.extend(options.stages(args))
        yield net, args.model


def _describe(param: Any, shapes: dict[str, tuple[int, ...]], file: str | None) -> Described:
    from caffe_lite.errors import ModelError
    from caffe_lite.nets.sourceless import Absent
    from caffe_lite.nets.summary import where_equal

    tables: list[list[LayerSummary]] = []
    guessed: list[str] = []
    for guess in (0, 1):
        try:
            rows, described, guessed = _with_guess(param, shapes, file, guess)
        except ModelError:
            if tables:  # only the first guess fits: layers fix the sizes of the data
                break
            raise
        tables.append(rows)
        if not guessed:
            break
    rows = where_equal(tables[0], tables[-1])
    not_run = _not_run(param)
    return Described(
        param,
        [replace(row, parameters=None) if row.name in not_run else row for row in rows],
        guessed,
        {
            top
            for layer in described.layer
            if layer.python_param.module == Absent.__module__
            for top in layer.top
        },
        not_run,
    )


def _with_guess(
    param: Any, shapes: dict[str, tuple[int, ...]], file: str | None, guess: int
) -> tuple[list[LayerSummary], Any, list[str]]:
    """The layers of the net with its missing sources replaced, that net, and what was guessed.

    Where a layer rejects the shape of a missing source, as a loss rejects labels, the shape that it
    asks for is taken. `guess` (0 or 1) chooses among shapes that nothing determines.
    """
    from caffe_lite.errors import BottomShapeError, ModelError
    from caffe_lite.nets.net import Net
    from caffe_lite.nets.sourceless import (
        fitting_shape,
        missing_modules_behind,
        without_sources,
    )
    from caffe_lite.nets.summary import summarize

    known = dict(shapes)
    while True:
        described, guessed = without_sources(param, known, guess)
        guessed += [top for top in known if top not in shapes]
        try:
            with Net(described, source=file) as net:
                return summarize(net), described, guessed
        except ModelError as error:
            found = fitting_shape(error, described) if isinstance(error, BottomShapeError) else None
            if found is not None and found[0] not in known:
                known[found[0]] = found[1]
                continue
            hint, tops = missing_modules_behind(error, described)
            others = [top for top in guessed if top not in tops]
            if others:
                hint += f"; the data is not there, and the shape of {', '.join(others)} was guessed"
            if hint:
                hint += f": give --shape {(tops or others)[0]}=N,..."
            hint += _stages_hint(param)
            raise ModelError(f"{error}{hint}") from error


# Stages that tools such as DIGITS give to the nets of a phase, by phase (TRAIN, TEST).
_USUAL_STAGES = (("train",), ("val", "test", "deploy"))


def _describe_in_a_stage(
    param: Any, shapes: dict[str, tuple[int, ...]], file: str | None
) -> Described:
    """The net as `_describe` does; where it is whole in one stage alone, and none is given, in it.

    A net whose data layers all belong to stages cannot be built without one.
    """
    from caffe_lite.errors import ModelError
    from caffe_lite.proto import schema

    try:
        return _describe(param, shapes, file)
    except ModelError:
        usual = [s for s in _USUAL_STAGES[param.state.phase] if s in _other_stages(param)]
        if param.state.stage or not usual:
            raise
        staged = schema.NetParameter()
        staged.CopyFrom(param)
        staged.state.stage.append(usual[0])
        try:
            found = _describe(staged, shapes, file)
        except ModelError:
            found = None  # the first error is the one that concerns the net as it was asked for
        if found is None:
            raise
        found.stage_chosen = True
        return found


def _other_stages(net: Any) -> set[str]:
    """The stages that the net has layers for and that were not given."""
    return {
        stage
        for layer in net.layer
        for rule in (*layer.include, *layer.exclude)
        for stage in (*rule.stage, *rule.not_stage)
    } - set(net.state.stage)


def _stages_hint(net: Any) -> str:
    named = _other_stages(net)
    return f"; the net also has layers for stages: {', '.join(sorted(named))}" if named else ""


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
