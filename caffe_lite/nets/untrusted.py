"""Layers that a definition from a stranger must not have: they run code or overwrite files."""

from __future__ import annotations

from caffe_lite import plugins
from caffe_lite.errors import LayerError
from caffe_lite.layers.registry import CAFFE, layer_class, meanings_of
from caffe_lite.trust import plugin_danger
from caffe_lite.types import LayerParameter, NetParameter


def refuse_untrusted(net: NetParameter) -> None:
    """Raise LayerError for the first layer of a filtered net that `danger` finds."""
    for layer in net.layer:
        what = danger(layer)
        if what:
            raise LayerError(
                f'layer "{layer.name}" ({layer.type}): {what}; this is refused for a definition '
                "that is not trusted (--no-python-layers, CAFFE_LITE_SAFE=1 or trust=False)"
            )


def danger(layer: LayerParameter) -> str:
    """What a layer could do to the machine; "" for a layer that only computes.

    Types that the program registered itself and plugins of installed packages count as harmless:
    the user chose them. A plugin that Python finds because it lies in the working folder does not.
    """
    if layer.type == "Python":
        module = layer.python_param.module
        own = module.startswith("caffe_lite.")  # can't be another's: this package is loaded
        return "" if own else f'runs code of the module "{module}"'
    if not meanings_of(layer.type) and CAFFE.module(layer.type) is None:
        points = plugins.entry_points(group=plugins.LAYER_GROUP, name=layer.type)
        for what in filter(None, map(plugin_danger, points)):
            return what
    try:
        what = layer_class(layer.type, layer).overwrites(layer)
    except LayerError:  # of an unknown type, which wiring reports
        return ""
    return what and f"overwrites {what}"
