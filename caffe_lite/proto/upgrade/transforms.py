"""scale, mean_file, crop_size and mirror move from a V1 data layer's own parameters to
transform_param."""

from caffe_lite.proto import schema
from caffe_lite.types import AnyMessage

NAME = "data transform fields"

_PARAMS = {
    schema.V1LayerParameter.DATA: "data_param",
    schema.V1LayerParameter.IMAGE_DATA: "image_data_param",
    schema.V1LayerParameter.WINDOW_DATA: "window_data_param",
}
_FIELDS = ("scale", "mean_file", "crop_size", "mirror")


def needed(net: AnyMessage) -> bool:
    return any(
        getattr(layer, _PARAMS[layer.type]).HasField(field)
        for layer in net.layers
        if layer.type in _PARAMS
        for field in _FIELDS
    )


def upgrade(net: AnyMessage, file: str) -> AnyMessage:
    for layer in net.layers:
        if layer.type not in _PARAMS:
            continue
        param = getattr(layer, _PARAMS[layer.type])
        # Caffe leaves both messages present, empty or not, in every data layer of such a net.
        param.SetInParent()
        layer.transform_param.SetInParent()
        for field in _FIELDS:
            if param.HasField(field):
                setattr(layer.transform_param, field, getattr(param, field))
                param.ClearField(field)
    return net
