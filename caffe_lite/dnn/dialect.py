"""Where OpenCV understands a layer's fields otherwise than Caffe does.

OpenCV's layers have defaults of their own for fields that a definition leaves out, and do not read
some fields at all. Here these are written out, so that Caffe's layers compute the same.

Source: opencv/opencv (4.14), modules/dnn/src/layers
"""

from math import sqrt

from caffe_lite.dnn.graph import Node
from caffe_lite.types import LayerParameter

_LRN_ALPHA = 1e-4  # Caffe's is 1


def as_in_opencv(layer: LayerParameter, node: Node, blobs: int) -> None:
    """Change the fields of `layer`, which computes `node`, to what they mean to OpenCV.

    `blobs` is the number of its learned blobs.
    """
    if node.type in ("Convolution", "Deconvolution") and blobs:
        layer.convolution_param.bias_term = blobs > 1
    if layer.type == "BatchNorm":
        # The layer of type MVN takes the statistics of the image, all others those of the weights.
        layer.batch_norm_param.use_global_stats = node.type != "MVN"
    elif layer.type == "PriorBox":
        _prior_box(layer)
    elif layer.type == "Proposal":
        layer.proposal_param.min_size = 0  # OpenCV drops no box for its size
    elif layer.type == "LRN":
        if not layer.lrn_param.HasField("alpha"):
            layer.lrn_param.alpha = _LRN_ALPHA
        layer.lrn_param.ClearField("k")
    elif layer.type == "Concat":
        layer.concat_param.ClearField("concat_dim")
    elif layer.type == "Slice":
        layer.slice_param.ClearField("slice_dim")
    elif layer.type == "Deconvolution":
        layer.convolution_param.ClearField("dilation")
    elif layer.type == "InnerProduct":
        layer.inner_product_param.ClearField("transpose")


def _prior_box(layer: LayerParameter) -> None:
    """Boxes are cut to the image by default, and the image's size is that of the second bottom.

    Sizes are not cut to whole pixels, as SSD's Caffe does, so those of all boxes are given.
    """
    param = layer.prior_box_param
    for name in ("img_size", "img_h", "img_w"):
        param.ClearField(name)
    if not param.HasField("clip"):
        param.clip = True
    sizes = [*param.min_size, *param.max_size]
    if param.width or not sizes or all(size == int(size) for size in sizes):
        return
    for i, side in enumerate(param.min_size):
        boxes = [(side, side)]
        if param.max_size:
            mean = sqrt(side * param.max_size[i])
            boxes.append((mean, mean))
        ratios: list[float] = []
        for ratio in param.aspect_ratio:
            if all(abs(ratio - other) >= 1e-6 for other in [1.0, *ratios]):
                ratios += [ratio, 1 / ratio] if param.flip else [ratio]
        boxes += [(side * sqrt(ratio), side / sqrt(ratio)) for ratio in ratios]
        param.width.extend(width for width, _ in boxes)
        param.height.extend(height for _, height in boxes)
    for name in ("min_size", "max_size", "aspect_ratio"):
        param.ClearField(name)
