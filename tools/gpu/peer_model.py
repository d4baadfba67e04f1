"""A net of `nets` as a PyTorch module, as a PyTorch user would write it."""

from typing import Any


def make_model(torch: Any, param: Any) -> Any:
    """A module whose `loss(inputs)` is the net's loss; inputs are given by name."""
    nn = torch.nn
    functional = nn.functional

    class Model(nn.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.plan: list[tuple[str, list[str], str, Any]] = []
            sizes = {
                layer.top[0]: tuple(layer.input_param.shape[0].dim)
                for layer in param.layer
                if layer.type == "Input"
            }
            for layer in param.layer:
                if layer.type == "Input":
                    continue
                module = _module(nn, layer, sizes)
                if module is not None:
                    self.add_module(layer.name, module)
                self.plan.append((layer.type, list(layer.bottom), layer.top[0], (layer, module)))
                sizes[layer.top[0]] = _shape(torch, layer, module, sizes)

        def loss(self, inputs: dict[str, Any]) -> Any:
            values = dict(inputs)
            for kind, bottom, top, (layer, module) in self.plan:
                first = values[bottom[0]]
                if kind == "SoftmaxWithLoss":
                    scores = first.reshape(-1, first.shape[-1])
                    label = values[bottom[1]].reshape(-1).long()
                    return functional.cross_entropy(scores, label)
                if kind == "LSTM":
                    x = first
                    if len(bottom) == 3:
                        static = values[bottom[2]].expand(len(x), -1, -1)
                        x = torch.cat([x, static], dim=2)
                    values[top] = module(x)[0]
                elif kind == "Embed":
                    values[top] = module(first.long())
                elif kind == "Reshape":
                    values[top] = first.reshape(*layer.reshape_param.shape.dim)
                elif kind == "InnerProduct" and layer.inner_product_param.axis == 1:
                    values[top] = module(first.flatten(1))
                else:
                    values[top] = module(first)
            raise ValueError("the net has no loss")

    return Model()


def _module(nn: Any, layer: Any, sizes: dict[str, tuple[int, ...]]) -> Any:
    """The PyTorch module of one layer, or None."""
    shape = sizes[layer.bottom[0]]
    if layer.type == "Convolution":
        p = layer.convolution_param
        return nn.Conv2d(
            shape[1],
            p.num_output,
            p.kernel_size[0],
            p.stride[0] if p.stride else 1,
            p.pad[0] if p.pad else 0,
            groups=p.group,
        )
    if layer.type == "ReLU":
        return nn.ReLU(inplace=True)
    if layer.type == "Dropout":
        return nn.Dropout(layer.dropout_param.dropout_ratio)
    if layer.type == "Pooling":
        p = layer.pooling_param
        return nn.MaxPool2d(p.kernel_size, p.stride, ceil_mode=True)
    if layer.type == "LRN":
        p = layer.lrn_param
        return nn.LocalResponseNorm(p.local_size, p.alpha, p.beta, p.k)
    if layer.type == "InnerProduct":
        p = layer.inner_product_param
        inputs = 1
        for dim in shape[p.axis :]:
            inputs *= dim
        return nn.Linear(inputs, p.num_output)
    if layer.type == "Embed":
        return nn.Embedding(layer.embed_param.input_dim, layer.embed_param.num_output)
    if layer.type == "LSTM":
        inputs = shape[2] + (sizes[layer.bottom[2]][1] if len(layer.bottom) == 3 else 0)
        return nn.LSTM(inputs, layer.recurrent_param.num_output)
    return None


def _shape(torch: Any, layer: Any, module: Any, sizes: dict[str, tuple[int, ...]]) -> Any:
    """The shape of a layer's top."""
    shape = sizes[layer.bottom[0]]
    if layer.type in ("Convolution", "Pooling"):
        with torch.no_grad():
            return (shape[0], *module(torch.empty(1, *shape[1:])).shape[1:])
    if layer.type == "InnerProduct":
        p = layer.inner_product_param
        return (*shape[: p.axis], p.num_output)
    if layer.type == "Embed":
        return (*shape, layer.embed_param.num_output)
    if layer.type == "LSTM":
        return (*shape[:2], layer.recurrent_param.num_output)
    if layer.type == "Reshape":
        steps, streams, _ = layer.reshape_param.shape.dim
        count = 1
        for dim in shape:
            count *= dim
        return (steps, streams, count // (steps * streams))
    return shape
