"""Describe a net whose data or Python modules may be missing, in the stage that it is whole in."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from caffe_lite.errors import BottomShapeError, ModelError
from caffe_lite.nets.graph import filter_net
from caffe_lite.nets.net import Net
from caffe_lite.nets.sourceless import (
    GUESSES,
    Absent,
    added_inputs,
    fitting_shape,
    missing_modules_behind,
    unsupported_sources,
    without_sources,
)
from caffe_lite.nets.summary import LayerSummary, summarize, where_equal
from caffe_lite.nets.untrusted import danger
from caffe_lite.plugins import shipped_module
from caffe_lite.proto import schema
from caffe_lite.trust import is_trusted
from caffe_lite.types import NetParameter, Shape

# Stages that tools such as DIGITS give to the nets of a phase, by phase (TRAIN, TEST).
_USUAL_STAGES = (("train",), ("val", "test", "deploy"))

_MOST_FITS = 3  # of one top: its batch, its axes, and then it is the definition that is wrong


@dataclass
class Described:
    """A net's rows; the tops whose shapes are not known, and those that --shape could give.

    `not_run` says, by name of the layer, what it would do that only --run-python allows.
    `inputs` are blobs that no layer makes, `unsupported` data layers of types that are not known.
    """

    param: NetParameter
    rows: list[LayerSummary]
    guessed: list[str]
    open_tops: set[str]
    not_run: dict[str, str]
    inputs: list[str]
    unsupported: dict[str, str]
    stage_chosen: bool = False


def describe(param: NetParameter, shapes: Mapping[str, Shape], file: str | None) -> Described:
    """The net without its sources, whose tops may have `shapes`; `file` is where it is from.

    A net whose data layers all belong to stages cannot be built without one: where it is whole in
    one alone, and none is given, it is described in that. Raises ModelError for a net that cannot
    be built.
    """
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


def _describe(param: NetParameter, shapes: Mapping[str, Shape], file: str | None) -> Described:
    fitting: list[_Fit] = []
    errors: list[ModelError] = []
    for guess in range(GUESSES):
        try:
            fitting.append(_with_guess(param, shapes, file, guess))
        except ModelError as error:  # the data may have other sizes
            errors.append(error)
        if errors and not without_sources(param, shapes, guess)[1]:
            break
        if fitting and (guess > 0 or not fitting[0].guessed):
            break
    if not fitting:
        raise errors[0]
    rows = where_equal(fitting[0].rows, fitting[-1].rows)
    not_run = _not_run(param)
    net = fitting[-1].net
    return Described(
        param,
        [replace(row, parameters=None) if row.name in not_run else row for row in rows],
        fitting[-1].guessed,
        {
            top
            for layer in net.layer
            if layer.python_param.module == Absent.__module__
            for top in layer.top
        },
        not_run,
        added_inputs(net),
        unsupported_sources(net),
    )


class _Fit(NamedTuple):
    """A net that could be built without its sources, its layers, and the tops that are guessed."""

    rows: list[LayerSummary]
    net: NetParameter
    guessed: list[str]


def _with_guess(
    param: NetParameter, shapes: Mapping[str, Shape], file: str | None, guess: int
) -> _Fit:
    """The net with its missing sources replaced.

    Where a layer rejects the shape of a missing source, as a loss rejects labels, the shape that it
    asks for is taken. `guess` chooses among shapes that nothing determines.
    """
    known, fits = dict(shapes), Counter[str]()
    while True:
        described, guessed = without_sources(param, known, guess)
        guessed += [top for top in known if top not in shapes]
        try:
            with Net(described, source=file) as net:
                return _Fit(summarize(net), described, guessed)
        except ModelError as error:
            found = fitting_shape(error, described) if isinstance(error, BottomShapeError) else None
            if found is not None and found[0] not in shapes and fits[found[0]] < _MOST_FITS:
                known[found[0]] = found[1]
                fits[found[0]] += 1
                continue
            hint, tops = missing_modules_behind(error, described)
            others = [top for top in guessed if top not in tops]
            if others:
                hint += f"; the data is not there, and the shape of {', '.join(others)} was guessed"
            if hint:
                hint += f": give --shape {(tops or others)[0]}=N,..."
            hint += _stages_hint(param)
            raise ModelError(f"{error}{hint}") from error


def _not_run(param: NetParameter) -> dict[str, str]:
    """By layer name, what --run-python would allow, where the layer is not known without it.

    LRCN's clip layers ship with this package, which knows their shapes.
    """
    if is_trusted():
        return {}
    return {
        layer.name: danger(layer)
        for layer in filter_net(param).layer
        if danger(layer) and layer.top and not shipped_module(layer.python_param.module)
    }


def _other_stages(net: NetParameter) -> set[str]:
    """The stages that the net has layers for and that were not given."""
    return {
        stage
        for layer in net.layer
        for rule in (*layer.include, *layer.exclude)
        for stage in (*rule.stage, *rule.not_stage)
    } - set(net.state.stage)


def _stages_hint(net: NetParameter) -> str:
    named = _other_stages(net)
    return f"; the net also has layers for stages: {', '.join(sorted(named))}" if named else ""
