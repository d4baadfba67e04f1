"""NVIDIA's ImageData: images resized by their shorter side."""

from typing import ClassVar

from caffe_lite.data.batches import Item, ListedImageBatches
from caffe_lite.data.images import read_image
from caffe_lite.data.resize import resize
from caffe_lite.layers import image_data
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, LayerParameter


@register("ImageData", when=["image_data_param.short_side"])
class ImageData(image_data.ImageData):
    """Images and labels from a list of files, resized so that the shorter side is `short_side`.

    top[0]  data   (batch_size, C, H, W)  as of Caffe's ImageData
    top[1]  label  (batch_size,)          the same

    The longer side keeps the aspect ratio, rounded down. `new_height` and `new_width` have no
    effect beside it. All other fields are those of Caffe's ImageData; with images of several
    aspect ratios give crop_size, or batch_size: 1.

    Source: NVIDIA/caffe

    Example::

        layer { name: "data" type: "ImageData" top: "data" top: "label"
                image_data_param { source: "images.txt" batch_size: 4 short_side: 12 }
                transform_param { crop_size: 10 } }
    """

    extensions: ClassVar[tuple[str, ...]] = (
        *image_data.ImageData.extensions,
        "image_data_param.short_side",
    )

    @classmethod
    def image_size(cls, param: LayerParameter) -> tuple[int, int]:
        return (param.transform_param.crop_size,) * 2

    def open(self, top: Blobs) -> ListedImageBatches:
        batches, short_side = super().open(top), self.param.image_data_param.short_side
        if not short_side:
            return batches
        return _ShortSideBatches(batches, short_side, self.param.image_data_param.is_color)


class _ShortSideBatches(ListedImageBatches):
    """The same batches of images whose shorter side is `short_side`."""

    def __init__(self, batches: ListedImageBatches, short_side: int, color: bool) -> None:
        super().__init__(batches.images, batches.transformer, batches.batch_size)
        self._short_side, self._color = short_side, color

    def _read(self) -> Item:
        self._path, labels = self.images.next()
        image = read_image(self._path, color=self._color)
        rows, columns = image.shape[:2]
        shorter = min(rows, columns)
        side = self._short_side
        image = resize(image, rows * side // shorter, columns * side // shorter)
        return image.transpose(2, 0, 1), labels[0] if self.label_count == 1 else labels
