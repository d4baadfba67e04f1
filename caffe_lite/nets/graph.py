"""From the net a file describes to the net that runs: filtered by state, with splits inserted.

Pure functions from NetParameter to NetParameter; no arrays, no layers. Names of split layers and
blobs are an interface: weights and scripts refer to them.
"""

import logging
from collections import Counter
from collections.abc import Iterable
from typing import Any

from caffe_lite.errors import ModelError, did_you_mean
from caffe_lite.proto import schema

log = logging.getLogger("caffe_lite.net")


def with_state(net: Any, phase: int | None, level: int, stages: Iterable[str]) -> Any:
    """A copy of `net` in this phase and level, with these stages beside its own.

    With `phase` None its own state counts alone.
    """
    stated = schema.NetParameter()
    stated.CopyFrom(schema.current(net))
    if phase is not None:
        stated.state.phase = phase
        stated.state.level = level
        stated.state.stage.extend(stages)
    return stated


def filter_net(net: Any) -> Any:
    """A copy of `net` with the layers that its `state` (phase, level, stages) includes.

    Raises ModelError for a layer with both include and exclude rules.
    """
    filtered = schema.NetParameter()
    filtered.CopyFrom(schema.current(net))
    del filtered.layer[:]
    filtered.layer.extend(layer for layer in net.layer if _is_included(layer, net.state))
    return filtered


def _is_included(layer: Any, state: Any) -> bool:
    if layer.include and layer.exclude:
        raise ModelError(f'layer "{layer.name}" has include and exclude rules; give one kind only')
    if layer.include:
        return any(state_meets_rule(state, rule, layer.name) for rule in layer.include)
    return not any(state_meets_rule(state, rule, layer.name) for rule in layer.exclude)


def state_meets_rule(state: Any, rule: Any, layer_name: str = "") -> bool:
    """Whether a NetState meets every condition of a NetStateRule; the broken one is logged."""
    broken = _broken_condition(state, rule)
    if broken and layer_name:
        log.info("The NetState %s specified by a rule in layer %s", broken, layer_name)
    return not broken


def _broken_condition(state: Any, rule: Any) -> str:
    if rule.HasField("phase") and rule.phase != state.phase:
        return f"phase ({state.phase}) differed from the phase ({rule.phase})"
    if rule.HasField("min_level") and state.level < rule.min_level:
        return f"level ({state.level}) is above the min_level ({rule.min_level})"
    if rule.HasField("max_level") and state.level > rule.max_level:
        return f"level ({state.level}) is above the max_level ({rule.max_level})"
    for stage in rule.stage:
        if stage not in state.stage:
            return f"did not contain stage '{stage}'"
    for stage in rule.not_stage:
        if stage in state.stage:
            return f"contained a not_stage '{stage}'"
    return ""


def insert_splits(net: Any) -> Any:
    """A copy of `net` in which every top feeds one bottom, through Split layers where it fed more.

    A loss weight on a top counts as one more use of it, and moves to the split's first top.
    Raises ModelError for a bottom that no earlier layer makes.
    """
    sources, uses, weights = _count_uses(net)
    split = schema.NetParameter()
    split.CopyFrom(schema.current(net))
    del split.layer[:]
    handed_out: Counter[tuple[int, int]] = Counter()
    for i, original in enumerate(net.layer):
        layer = split.layer.add()
        layer.CopyFrom(original)
        for j, blob in enumerate(original.bottom):
            source = sources[i, j]
            if uses[source] > 1:
                maker = net.layer[source[0]].name
                layer.bottom[j] = split_blob_name(maker, blob, source[1], handed_out[source])
                handed_out[source] += 1
        for j, blob in enumerate(original.top):
            if uses[i, j] > 1:
                weight = weights.get((i, j), 0.0)
                _add_split(split, original.name, blob, j, uses[i, j], weight)
                if weight:
                    layer.loss_weight[j] = 0
                    handed_out[i, j] += 1
    return split


def _count_uses(
    net: Any,
) -> tuple[
    dict[tuple[int, int], tuple[int, int]], Counter[tuple[int, int]], dict[tuple[int, int], float]
]:
    """(layer, bottom) -> the (layer, top) that makes it; uses of each top; loss weights of tops."""
    made: dict[str, tuple[int, int]] = {}
    sources: dict[tuple[int, int], tuple[int, int]] = {}
    uses: Counter[tuple[int, int]] = Counter()
    weights: dict[tuple[int, int], float] = {}
    for i, layer in enumerate(net.layer):
        for j, blob in enumerate(layer.bottom):
            if blob not in made:
                raise ModelError(
                    f'layer "{layer.name}" ({layer.type}): bottom[{j}] "{blob}" is '
                    f"not a top of any layer before it{did_you_mean(blob, made)}"
                )
            sources[i, j] = made[blob]
            uses[made[blob]] += 1
        for j, blob in enumerate(layer.top):
            made[blob] = (i, j)
        for j, weight in enumerate(layer.loss_weight[: len(layer.top)]):
            weights[i, j] = weight
            if weight:
                uses[i, j] += 1
    return sources, uses, weights


def _add_split(net: Any, layer: str, blob: str, top: int, count: int, loss_weight: float) -> None:
    param = net.layer.add(name=f"{blob}_{layer}_{top}_split", type="Split", bottom=[blob])
    param.top.extend(split_blob_name(layer, blob, top, k) for k in range(count))
    if loss_weight:
        param.loss_weight.extend([loss_weight, *[0.0] * (count - 1)])


def split_blob_name(layer: str, blob: str, top: int, k: int) -> str:
    """The name of the k-th copy of `blob`, the top number `top` of `layer`."""
    return f"{blob}_{layer}_{top}_split_{k}"
