"""Layers in Python: those that ship and can be expressed."""

from collections.abc import Iterable, Sequence

from caffe_lite.export.onnx.builder import Tensor
from caffe_lite.export.onnx.forks.rcnn import proposed
from caffe_lite.export.onnx.registry import translates
from caffe_lite.export.onnx.site import Site
from caffe_lite.forks.rcnn.python_layers.proposal_layer import ProposalLayer
from caffe_lite.layers.base import Layer
from caffe_lite.layers.python import Python


def _one_image(layer: Layer) -> Iterable[tuple[int, Sequence[int]]]:
    return [(i, (0,)) for i in range(3)] if _proposes(layer) else []


def _proposes(layer: Layer) -> bool:
    """Whether the module is the one that ships, not a user's own of that name."""
    return isinstance(layer, Python) and layer.user_class is ProposalLayer


@translates(Python, fixed=_one_image)
def python(site: Site) -> list[Tensor]:
    """Faster R-CNN's proposal_layer; any other code has no translation."""
    layer = site.layer
    if not isinstance(layer, Python) or not _proposes(layer):
        raise site.refuse("it runs Python code")
    return list(proposed(site, layer.rule))[: len(site.made)]
