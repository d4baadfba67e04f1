"""Layers as text: the building blocks of LRCN's definitions, under the names of its weights."""

from dataclasses import dataclass


def filler(kind: str, **values: float) -> str:
    body = " ".join(f"{name}: {value:g}" for name, value in values.items())
    return f'{{ type: "{kind}" {body} }}'


def learning(weights: float, bias: float | None = None) -> str:
    """`param` entries: the rates of weights and bias, without decay of the bias."""
    text = f"  param {{ lr_mult: {weights:g} decay_mult: 1 }}\n"
    return text if bias is None else f"{text}  param {{ lr_mult: {bias:g} decay_mult: 0 }}\n"


def layer(
    name: str, kind: str, bottom: str | list[str], top: str | list[str], *body: str, when: str = ""
) -> str:
    """One layer; `when` is an include or exclude rule."""
    bottoms = [bottom] if isinstance(bottom, str) else bottom
    tops = [top] if isinstance(top, str) else top
    names = " ".join(
        [f'bottom: "{each}"' for each in bottoms] + [f'top: "{each}"' for each in tops]
    )
    lines = [f'  name: "{name}" type: "{kind}"', f"  {names}"]
    lines += [f"  {when}"] if when else []
    lines += [line.strip("\n") for line in body if line]
    return "layer {\n" + "\n".join(lines) + "\n}\n"


def in_place(name: str, kind: str, blob: str, *body: str, when: str = "") -> str:
    return layer(name, kind, blob, blob, *body, when=when)


@dataclass(frozen=True)
class Convolution:
    """The settings of one convolution, and what follows it up to the next."""

    outputs: int
    kernel: int
    stride: int = 1
    pad: int = 0
    group: int = 1
    bias: float = 0.0
    is_pooled: bool = False
    is_normalized: bool = False


@dataclass(frozen=True)
class Convnet:
    """Convolutions, the last of them pooled, and the sizes of fc6 and fc7, and fc8 of captioners.

    `deviation` is that of the starting weights of fc6 and fc7, `convolution_deviation` that of the
    convolutions'.
    """

    convolutions: tuple[Convolution, ...]
    deviation: float
    bias: float
    units: int = 4096
    outputs: int = 1000
    convolution_deviation: float = 0.01

    @property
    def top(self) -> str:
        """The blob that fc6 reads."""
        return f"pool{len(self.convolutions)}"


# The convnet of LRCN's activity nets, and CaffeNet, that of its captioners.
ACTIVITY = Convnet(
    (
        Convolution(96, 7, 2, bias=0.1, is_pooled=True, is_normalized=True),
        Convolution(384, 5, 2, group=2, bias=0.1, is_pooled=True, is_normalized=True),
        Convolution(512, 3, pad=1, bias=0.1),
        Convolution(512, 3, pad=1, group=2, bias=0.1),
        Convolution(384, 3, pad=1, group=2, bias=0.1, is_pooled=True),
    ),
    deviation=0.01,
    bias=0.1,
)
CAFFENET = Convnet(
    (
        Convolution(96, 11, 4, is_pooled=True, is_normalized=True),
        Convolution(256, 5, pad=2, group=2, bias=1, is_pooled=True, is_normalized=True),
        Convolution(384, 3, pad=1),
        Convolution(384, 3, pad=1, group=2, bias=1),
        Convolution(256, 3, pad=1, group=2, bias=1, is_pooled=True),
    ),
    deviation=0.005,
    bias=1,
)


def convolutions(net: Convnet, rates: str) -> str:
    """conv1 to the last pooling, from the blob `data`; `rates` are the `param` entries of each."""
    text, below = "", "data"
    for number, each in enumerate(net.convolutions, 1):
        name = f"conv{number}"
        shape = f"num_output: {each.outputs} kernel_size: {each.kernel}"
        shape += f" stride: {each.stride}" * (each.stride > 1) + f" pad: {each.pad}" * (
            each.pad > 0
        )
        shape += f" group: {each.group}" * (each.group > 1)
        text += layer(
            name,
            "Convolution",
            below,
            name,
            rates,
            f"  convolution_param {{\n    {shape}\n"
            f"    weight_filler {filler('gaussian', std=net.convolution_deviation)}\n"
            f"    bias_filler {filler('constant', value=each.bias)}\n  }}",
        )
        text += in_place(f"relu{number}", "ReLU", name)
        below = name
        if each.is_pooled:
            below = f"pool{number}"
            pool = "  pooling_param { pool: MAX kernel_size: 3 stride: 2 }"
            text += layer(below, "Pooling", name, below, pool)
        if each.is_normalized:
            lrn = "  lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }"
            text += layer(f"norm{number}", "LRN", below, f"norm{number}", lrn)
            below = f"norm{number}"
    return text


def fully_connected(
    net: Convnet, number: int, below: str, rates: str, dropout: float | None
) -> str:
    """fc6 or fc7 with its ReLU, and dropout in a net that is trained."""
    name = f"fc{number}"
    text = layer(
        name,
        "InnerProduct",
        below,
        name,
        rates,
        f"  inner_product_param {{\n    num_output: {net.units}\n"
        f"    weight_filler {filler('gaussian', std=net.deviation)}\n"
        f"    bias_filler {filler('constant', value=net.bias)}\n  }}",
    )
    text += in_place(f"relu{number}", "ReLU", name)
    if dropout:
        ratio = f"  dropout_param {{ dropout_ratio: {dropout:g} }}"
        text += in_place(f"drop{number}", "Dropout", name, ratio)
    return text


def lstm(name: str, bottoms: list[str], units: int, limit: float) -> str:
    """An LSTM whose weights start uniform in -limit ... limit."""
    return layer(
        name,
        "LSTM",
        bottoms,
        name,
        f"  recurrent_param {{\n    num_output: {units}\n"
        f"    weight_filler {filler('uniform', min=-limit, max=limit)}\n"
        f"    bias_filler {filler('constant', value=0)}\n  }}",
    )


def inputs(**shapes: tuple[int, ...]) -> str:
    """An Input layer per blob, for deploy nets."""
    text = ""
    for name, shape in shapes.items():
        dims = " ".join(f"dim: {size}" for size in shape)
        text += f'layer {{\n  name: "{name}" type: "Input" top: "{name}"\n'
        text += f"  input_param {{ shape {{ {dims} }} }}\n}}\n"
    return text
