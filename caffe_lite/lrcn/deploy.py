"""Deploy nets with their trained weights."""

import os
from typing import Any

from caffe_lite.errors import ModelError, did_you_mean
from caffe_lite.nets.net import Net
from caffe_lite.proto import schema
from caffe_lite.proto.files import StrPath
from caffe_lite.proto.load import load_net


def load_deploy_net(
    definition: StrPath, weights: StrPath, ops: Any = None, *, last: str | None = None
) -> Net:
    """Load a deploy prototxt in the TEST phase, with weights from one file or from several, "a,b".

    If `last` is given, layers after the one that computes this blob are left out. Raises ModelError
    for weights of another net, whose shapes differ or which lack those of a layer.
    """
    param = load_net(definition)
    if last is not None:
        _cut(param, last, os.fspath(definition))
    net = Net(param, schema.TEST, ops, source=definition)
    try:
        report = net.copy_trained_layers_from(weights)
        if report.missing:
            held = ", ".join(sorted({*report.copied, *sum(report.ignored.values(), [])})[:6])
            raise ModelError(
                f"{os.fspath(weights)}: no weights for {_listed(report.missing)} of "
                f"{os.fspath(definition)}{f' (it holds {held} ...)' if held else ''}; give the "
                "weights of this net"
            )
    except BaseException:
        net.close()
        raise
    return net


def _cut(param: Any, last: str, definition: str) -> None:
    makers = [i for i, layer in enumerate(param.layer) if last in layer.top]
    if not makers:
        tops = {top for layer in param.layer for top in layer.top}
        raise ModelError(f'{definition}: no layer makes a blob "{last}"{did_you_mean(last, tops)}')
    del param.layer[makers[-1] + 1 :]


def _listed(names: list[str]) -> str:
    shown = ", ".join(f'"{name}"' for name in names[:4])
    return f"layer{'s' * (len(names) > 1)} {shown}{' ...' if len(names) > 4 else ''}"
