"""From the net that a file describes to the net that runs: filtered by state, with splits.

Pure functions from NetParameter to NetParameter, without arrays or layers. The names of split
layers and blobs are Caffe's and must not change: scripts and weights files refer to them.
"""

import logging
from collections import Counter
from collections.abc import Iterable
from typing import TypeAlias

from caffe_lite.errors import ModelError, did_you_mean
from caffe_lite.proto import schema
from caffe_lite.types import LayerParameter, NetParameter, NetState, NetStateRule

Slot: TypeAlias = tuple[int, int]  # a layer's position and the number of its bottom or top

log = logging.getLogger("caffe_lite.net")


def with_state(
    net: NetParameter, phase: int | None, level: int, stages: Iterable[str]
) -> NetParameter:
    """A copy of `net` with this phase and level, and these stages after its own.

    With `phase` None the copy has the state of `net`, and `level` and `stages` are ignored.
    """
    copy = _copy(net)
    if phase is not None:
        copy.state.phase = phase
        copy.state.level = level
        copy.state.stage.extend(stages)
    return copy


def _copy(net: NetParameter) -> NetParameter:
    copy: NetParameter = schema.NetParameter()
    copy.CopyFrom(schema.current(net))
    return copy


def filter_net(net: NetParameter) -> NetParameter:
    """A copy of `net` with the layers that its `state` (phase, level, stages) includes.

    Raises ModelError for a layer with both include and exclude rules.
    """
    filtered = _copy(net)
    del filtered.layer[:]
    filtered.layer.extend(
        layer for layer in schema.current(net).layer if _is_included(layer, net.state)
    )
    return filtered


def _is_included(layer: LayerParameter, state: NetState) -> bool:
    if layer.include and layer.exclude:
        raise ModelError(
            f'layer "{layer.name}" ({layer.type}): has both include and exclude rules; use only '
            "one kind"
        )
    if layer.include:
        return any(state_meets_rule(state, rule, layer.name) for rule in layer.include)
    return not any(state_meets_rule(state, rule, layer.name) for rule in layer.exclude)


def state_meets_rule(state: NetState, rule: NetStateRule, layer_name: str = "") -> bool:
    """Whether a NetState meets every condition of a NetStateRule.

    Given a layer's name, the first condition that is not met is logged.
    """
    unmet = _unmet_condition(state, rule)
    if unmet and layer_name:
        log.info("The NetState %s specified by a rule in layer %s", unmet, layer_name)
    return not unmet


def _unmet_condition(state: NetState, rule: NetStateRule) -> str:
    """The first condition that is not met, in the words of Caffe's log; "" if all are."""
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


def insert_splits(net: NetParameter) -> NetParameter:
    """A copy of `net` in which a top that several bottoms use goes through a Split layer.

    A loss weight on a top counts as one more use of it, and moves to the split's first top.
    Raises ModelError for a bottom that is not a top of an earlier layer.
    """
    sources, uses, weights = _count_uses(net)
    split = _copy(net)
    del split.layer[:]
    copies_used: Counter[Slot] = Counter()
    for i, original in enumerate(net.layer):
        layer = split.layer.add()
        layer.CopyFrom(original)
        for j, blob in enumerate(original.bottom):
            source = sources[i, j]
            if uses[source] > 1:
                maker = net.layer[source[0]].name
                layer.bottom[j] = split_blob_name(maker, blob, source[1], copies_used[source])
                copies_used[source] += 1
        for j, blob in enumerate(original.top):
            if uses[i, j] > 1:
                weight = weights.get((i, j), 0.0)
                _add_split(split, original.name, blob, j, uses[i, j], weight)
                if weight:
                    layer.loss_weight[j] = 0
                    copies_used[i, j] += 1
    return split


def _count_uses(net: NetParameter) -> tuple[dict[Slot, Slot], Counter[Slot], dict[Slot, float]]:
    """The top that each bottom comes from; the uses of each top; the loss weight of each top."""
    made: dict[str, Slot] = {}
    sources: dict[Slot, Slot] = {}
    uses: Counter[Slot] = Counter()
    weights: dict[Slot, float] = {}
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


def _add_split(
    net: NetParameter, layer: str, blob: str, top: int, count: int, loss_weight: float
) -> None:
    param = net.layer.add(name=f"{blob}_{layer}_{top}_split", type="Split", bottom=[blob])
    param.top.extend(split_blob_name(layer, blob, top, k) for k in range(count))
    if loss_weight:
        param.loss_weight.extend([loss_weight, *[0.0] * (count - 1)])


def split_blob_name(layer: str, blob: str, top: int, k: int) -> str:
    """The name of copy `k` of `blob`, which is top number `top` of `layer`."""
    return f"{blob}_{layer}_{top}_split_{k}"
