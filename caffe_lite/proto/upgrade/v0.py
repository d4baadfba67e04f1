"""V0 layers, `layers { layer { type: "conv" } }`, become V1 layers."""

import logging
from typing import Any

from caffe_lite.errors import PrototxtError, did_you_mean
from caffe_lite.proto import schema
from caffe_lite.proto.upgrade.padding import fold_padding
from caffe_lite.types import AnyMessage

NAME = "V0 layers"

log = logging.getLogger("caffe_lite.proto")

_TYPES = {
    "accuracy": "ACCURACY",
    "bnll": "BNLL",
    "concat": "CONCAT",
    "conv": "CONVOLUTION",
    "data": "DATA",
    "dropout": "DROPOUT",
    "euclidean_loss": "EUCLIDEAN_LOSS",
    "flatten": "FLATTEN",
    "hdf5_data": "HDF5_DATA",
    "hdf5_output": "HDF5_OUTPUT",
    "im2col": "IM2COL",
    "images": "IMAGE_DATA",
    "infogain_loss": "INFOGAIN_LOSS",
    "innerproduct": "INNER_PRODUCT",
    "lrn": "LRN",
    "multinomial_logistic_loss": "MULTINOMIAL_LOGISTIC_LOSS",
    "pool": "POOLING",
    "relu": "RELU",
    "sigmoid": "SIGMOID",
    "softmax": "SOFTMAX",
    "softmax_loss": "SOFTMAX_LOSS",
    "split": "SPLIT",
    "tanh": "TANH",
    "window_data": "WINDOW_DATA",
}

# Fields of a V0 layer by type, and their places in a V1 layer.
_BY_TYPE = {
    "conv": {
        "num_output": "convolution_param.num_output",
        "biasterm": "convolution_param.bias_term",
        "weight_filler": "convolution_param.weight_filler",
        "bias_filler": "convolution_param.bias_filler",
        "pad": "convolution_param.pad",
        "kernelsize": "convolution_param.kernel_size",
        "group": "convolution_param.group",
        "stride": "convolution_param.stride",
    },
    "innerproduct": {
        "num_output": "inner_product_param.num_output",
        "biasterm": "inner_product_param.bias_term",
        "weight_filler": "inner_product_param.weight_filler",
        "bias_filler": "inner_product_param.bias_filler",
    },
    "pool": {
        "pad": "pooling_param.pad",
        "kernelsize": "pooling_param.kernel_size",
        "stride": "pooling_param.stride",
        "pool": "pooling_param.pool",
    },
    "dropout": {"dropout_ratio": "dropout_param.dropout_ratio"},
    "lrn": {
        "local_size": "lrn_param.local_size",
        "alpha": "lrn_param.alpha",
        "beta": "lrn_param.beta",
        "k": "lrn_param.k",
    },
    "data": {
        "source": "data_param.source",
        "batchsize": "data_param.batch_size",
        "rand_skip": "data_param.rand_skip",
    },
    "hdf5_data": {
        "source": "hdf5_data_param.source",
        "batchsize": "hdf5_data_param.batch_size",
    },
    "images": {
        "source": "image_data_param.source",
        "batchsize": "image_data_param.batch_size",
        "rand_skip": "image_data_param.rand_skip",
        "shuffle_images": "image_data_param.shuffle",
        "new_height": "image_data_param.new_height",
        "new_width": "image_data_param.new_width",
    },
    "window_data": {
        "source": "window_data_param.source",
        "batchsize": "window_data_param.batch_size",
        "det_fg_threshold": "window_data_param.fg_threshold",
        "det_bg_threshold": "window_data_param.bg_threshold",
        "det_fg_fraction": "window_data_param.fg_fraction",
        "det_context_pad": "window_data_param.context_pad",
        "det_crop_mode": "window_data_param.crop_mode",
    },
    "infogain_loss": {"source": "infogain_loss_param.source"},
    "concat": {"concat_dim": "concat_param.concat_dim"},
    "hdf5_output": {"hdf5_output_param": "hdf5_output_param"},
}
_EVERY_TYPE = {
    "blobs": "blobs",
    "blobs_lr": "blobs_lr",
    "weight_decay": "weight_decay",
    "scale": "transform_param.scale",
    "meanfile": "transform_param.mean_file",
    "cropsize": "transform_param.crop_size",
    "mirror": "transform_param.mirror",
}
_KEPT_IN_NET = ("name", "layers", "input", "input_dim", "force_backward")
_KEPT_IN_LAYER = ("layer", "bottom", "top")


def needed(net: AnyMessage) -> bool:
    return any(layer.HasField("layer") for layer in net.layers)


def upgrade(net: AnyMessage, file: str) -> AnyMessage:
    if net.layer:
        raise PrototxtError(
            'the net holds both "layer" and V0 "layers"; use one form for all', file
        )
    for descriptor, _ in net.ListFields():
        if descriptor.name not in _KEPT_IN_NET:
            log.warning('%s: "%s" has no meaning in a V0 net; dropped', file, descriptor.name)
            net.ClearField(descriptor.name)
    folded = fold_padding(net.layers, net.input, file)
    net.ClearField("layers")
    for layer in folded:
        _upgrade_layer(layer, net.layers.add(), file)
    return net


def _upgrade_layer(connection: AnyMessage, new: AnyMessage, file: str) -> None:
    old = connection.layer
    for descriptor, _ in connection.ListFields():
        if descriptor.name in _KEPT_IN_LAYER:
            continue
        if not connection.HasField("layer"):
            raise PrototxtError(
                f'layer "{connection.name}" is not a V0 layer, but others are; '
                "use one form for all",
                file,
            )
        _warn_dropped(file, descriptor.name, old)
    new.bottom.extend(connection.bottom)
    new.top.extend(connection.top)
    if old.HasField("name"):
        new.name = old.name
    if old.HasField("type"):
        new.type = schema.V1LayerParameter.LayerType.Value(_v1_type(old, file))
    targets = _EVERY_TYPE | _BY_TYPE.get(old.type, {})
    for descriptor, value in old.ListFields():
        if descriptor.name in ("name", "type"):
            continue
        if descriptor.name in targets:
            _set(new, targets[descriptor.name], value, file)
        else:
            _warn_dropped(file, descriptor.name, old)


def _v1_type(old: AnyMessage, file: str) -> str:
    if old.type not in _TYPES:
        raise PrototxtError(
            f'layer "{old.name}": no V0 layer type "{old.type}"{did_you_mean(old.type, _TYPES)}',
            file,
        )
    return _TYPES[old.type]


def _set(layer: AnyMessage, target: str, value: Any, file: str) -> None:
    *path, field = target.split(".")
    message = getattr(layer, path[0]) if path else layer
    current = getattr(message, field)
    if hasattr(current, "append"):
        current.extend(value if hasattr(value, "append") else [value])
    elif hasattr(current, "CopyFrom"):
        current.CopyFrom(value)
    else:
        try:
            setattr(message, field, value)
        except ValueError:  # a negative size, where V0 had signed numbers
            raise PrototxtError(
                f'layer "{layer.name}": {value} does not suit {target}', file
            ) from None


def _warn_dropped(file: str, field: str, layer: AnyMessage) -> None:
    log.warning(
        '%s: layer "%s": "%s" has no meaning for the V0 type "%s"; dropped',
        file,
        layer.name,
        field,
        layer.type,
    )
