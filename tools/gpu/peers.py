"""The same nets and convolutions in PyTorch, if it is installed."""

from collections.abc import Callable
from typing import Any

from caffe_lite.backend import ConvGeometry
from caffe_lite.nets.net import Net
from caffe_lite.proto import schema
from tools.gpu import nets
from tools.gpu.context import Context
from tools.gpu.peer_model import make_model


def import_torch() -> Any:
    """The `torch` module, or None if there is none that works with CuPy in one process."""
    try:
        import torch
    except Exception:  # loading its C libraries fails in various ways
        return None
    return torch


def convolution_times(
    context: Context,
    batch: int,
    channels: int,
    size: int,
    outputs: int,
    geometry: ConvGeometry,
) -> dict[str, float]:
    """Milliseconds of one convolution's three passes, TF32 allowed."""
    torch = import_torch()
    if torch is None:
        return {}
    device = _prepare(torch, context, "convolution")
    x = torch.randn(batch, channels, size, size, device=device)
    weight = torch.randn(outputs, channels // geometry.group, *geometry.kernel, device=device)
    bias = torch.zeros(outputs, device=device)
    how = (geometry.stride, geometry.pad, geometry.dilation)
    y = torch.nn.functional.conv2d(x, weight, bias, *how, geometry.group)
    backward = torch.ops.aten.convolution_backward

    def gradient(to_data: bool, to_weight: bool) -> Any:
        flags = [to_data, to_weight, False]
        return backward(y, x, weight, [outputs], *how, False, [0, 0], geometry.group, flags)

    passes: dict[str, Callable[[], Any]] = {
        "forward": lambda: torch.nn.functional.conv2d(x, weight, bias, *how, geometry.group),
        "gradient to data": lambda: gradient(True, False),
        "gradient to weights": lambda: gradient(False, True),
    }
    with torch.no_grad():
        return {
            name: context.clock(action, _synchronize(torch, device), 0.15)
            for name, action in passes.items()
        }


def net_times(context: Context, case: Any) -> dict[str, float]:
    """Milliseconds of the passes of `benchmarks`, by the same names; {} without PyTorch."""
    torch = import_torch()
    if torch is None:
        return {}
    device = _prepare(torch, context, case.tf32)
    times = _time_net(torch, device, context, case)
    if device == "cuda":
        torch.cuda.empty_cache()
    return times


def _time_net(torch: Any, device: str, context: Context, case: Any) -> dict[str, float]:
    model = make_model(torch, nets.parse_net(case.definition)).to(device)
    inputs = {
        name: torch.as_tensor(values, device=device)
        for name, values in _inputs(context, case).items()
    }
    optimizer = torch.optim.SGD(
        model.parameters(), lr=0.001, momentum=0.9, weight_decay=0.0005, fused=device == "cuda"
    )

    def forward() -> None:
        with torch.no_grad():
            model.loss(inputs)

    def step() -> None:
        optimizer.zero_grad(set_to_none=False)
        model.loss(inputs).backward()
        optimizer.step()

    synchronize = _synchronize(torch, device)
    times = {}
    for name, training, action in (("forward", False, forward), ("training step", True, step)):
        model.train(training)
        times[name] = context.clock(action, synchronize, case.seconds)
        if device == "cuda":
            replay = _graph(torch, action)
            times[f"{name}, graph"] = context.clock(replay, synchronize, case.seconds)
    return times


def _prepare(torch: Any, context: Context, tf32: str) -> str:
    """Set PyTorch's precision to the measured one; returns the device's name."""
    torch.manual_seed(0)
    torch.backends.cuda.matmul.allow_tf32 = tf32 == "all"
    torch.backends.cudnn.allow_tf32 = tf32 != "none"
    torch.backends.cudnn.benchmark = True
    if not torch.cuda.is_available():
        return "cpu"
    torch.cuda.set_device(context.gpu)
    return "cuda"


def _synchronize(torch: Any, device: str) -> Callable[[], None]:
    return torch.cuda.synchronize if device == "cuda" else lambda: None


def _graph(torch: Any, action: Callable[[], Any]) -> Callable[[], None]:
    """Record `action` in a CUDA graph; the call that replays it."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            action()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        action()
    replay: Callable[[], None] = graph.replay
    return replay


def _inputs(context: Context, case: Any) -> dict[str, Any]:
    with Net(nets.parse_net(case.definition), schema.TEST, context.cpu(), seed=1) as net:
        return nets.fill_inputs(net, case.classes)
