"""Recurrent layers."""

from caffe_lite.export.torch.registry import Code, Site, Slot, emits
from caffe_lite.layers.lstm import LSTM
from caffe_lite.layers.lstm_unit import LSTMUnit
from caffe_lite.layers.rnn import RNN


@emits(LSTM)
def lstm(site: Site) -> Code:
    return _recurrent(site, "LSTM", ("weight_h",))


@emits(RNN)
def rnn(site: Site) -> Code:
    return _recurrent(site, "RNN", ("weight_h", "weight_o", "bias_o"))


def _recurrent(site: Site, kind: str, last: tuple[str, ...]) -> Code:
    states = 2 if kind == "LSTM" else 1
    exposed = states if site.param.recurrent_param.expose_hidden else 0
    static = len(site.x) - exposed == 3
    names = ["weight_x", "bias", *(["weight_static"] if static else []), *last]
    weights = {name: Slot(i) for i, name in enumerate(names)}
    given = f"{site.blob(0)[1]}, {site.param.recurrent_param.num_output}"
    if static:
        given += f", static={site.blob(2)[1]}"
    init = f"{kind}({given})"
    if not exposed:
        return Code(f"{site.me}({', '.join(site.x)})", init, weights, reset=True)
    x = list(site.x)
    if not static:
        x.insert(2, "None")
    return Code(f"{site.me}.exposed({', '.join(x)})", init, weights)


@emits(LSTMUnit)
def lstm_unit(site: Site) -> Code:
    return Code(f"lstm_unit({', '.join(site.x)})")
