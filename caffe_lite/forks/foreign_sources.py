"""Shapes that data layers of forks give their tops, for layers that are not known here.

`caffe_lite summary` describes nets that have one. Their messages are in proto/forks/sources.proto.
"""

from collections.abc import Callable

from caffe_lite.types import LayerParameter, Shape

_CASCADE = 8  # numbers of an object in DetectionData


def foreign_shape(layer: LayerParameter, top: int) -> Shape | None:
    """The shape of a top as the definition gives it; None: unknown."""
    known = _SHAPES.get(layer.type)
    if known:
        return known(layer, top)
    return _images(layer) if top == 0 else None


def _images(layer: LayerParameter) -> Shape | None:
    """Images that transform_param crops or resizes."""
    param = layer.transform_param
    sizes = {(each.height, each.width) for each in param.resize_param}
    if param.crop_size:
        sizes = {(param.crop_size, param.crop_size)}
    if len(sizes) != 1 or not all(*sizes):
        return None
    return (foreign_batch(layer), 3, *sizes.pop())


def _lanes(layer: LayerParameter, top: int) -> Shape | None:
    """LaneData: images, YOLO's rows of objects, and a smaller map of lanes."""
    images, own = _images(layer), layer.annotated_data_param
    if images is None or top == 0:
        return images
    scale = max(own.seg_scales, 1)
    if top == 1:
        return (images[0], 1, 300, 5) if own.yolo_data_type else None
    return (images[0], 1, images[2] // scale, images[3] // scale)


def foreign_batch(layer: LayerParameter) -> int:
    """The number of items in a batch as the definition gives it, else 1."""
    for descriptor, value in layer.ListFields():
        if descriptor.name.endswith("data_param") and getattr(value, "batch_size", 0):
            return int(value.batch_size)
    return 1


def _mscnn(layer: LayerParameter, top: int) -> Shape | None:
    """ImageGtData: images, the labelled cells of each feature map, and perhaps the objects."""
    own = layer.image_gt_data_param
    return _cells(top, own.batch_size, own, list(own.downsample_rate), columns=7)


def _cascade(layer: LayerParameter, top: int) -> Shape | None:
    """DetectionData: the same, with a row of eight numbers for each object."""
    own = layer.detection_data_param
    return _cells(top, own.batch_size, own, list(own.stride), columns=_CASCADE)


def _cells(
    top: int, batch: int, own: LayerParameter, strides: list[int], columns: int
) -> Shape | None:
    height, width = (
        getattr(own, f"crop_{side}") or getattr(own, f"resize_{side}")
        for side in ("height", "width")
    )
    if not height and columns == _CASCADE:  # sizes of upright images, which the batches vary
        height = own.crop_long_size or own.long_size
        width = own.crop_short_size or own.short_size
    if top > len(strides):
        return (1, columns, 1, 1)
    if not height or not width:
        return None
    if top == 0:
        return (batch, 3, height, width)
    stride = strides[top - 1]
    return (batch, own.coord_num + 2, int(height / stride + 0.5), int(width / stride + 0.5))


def _cascade_test(layer: LayerParameter, top: int) -> Shape | None:
    """EvalData: an image, the objects, and the size of the image."""
    own = layer.eval_data_param
    if top == 0:
        sides = own.resize_height, own.resize_width
        return (own.batch_size, 3, *sides) if all(sides) else None
    return (1, 8, 1, 1) if top == 1 else (own.batch_size, 2, 1, 1)


def _cpm(layer: LayerParameter, top: int) -> Shape | None:
    """CPMData: images with masks and a map of centres, and maps of joints with their weights."""
    own, batch = layer.cpm_transform_param, int(layer.data_param.batch_size)
    if top:
        sides = own.crop_size_y // own.stride, own.crop_size_x // own.stride
        return (batch, 2 * (own.num_parts + 1), *sides)
    return (batch, 6, own.crop_size_y, own.crop_size_x)


_SHAPES: dict[str, Callable[[LayerParameter, int], Shape | None]] = {
    "CPMData": _cpm,
    "DetectionData": _cascade,
    "EvalData": _cascade_test,
    "ImageGtData": _mscnn,
    "LaneData": _lanes,
}
