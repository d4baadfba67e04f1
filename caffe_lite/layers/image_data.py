"""ImageData: listed image files."""

from typing import ClassVar

from caffe_lite.data.batches import ListedImageBatches
from caffe_lite.data.image_list import ImageList
from caffe_lite.layers._data import ImageDataLayer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, LayerParameter


@register("ImageData")
class ImageData(ImageDataLayer):
    """Images and labels from a list of files, one "path label" a line, cyclically.

    top[0]  data   (batch_size, C, H, W)  B, G, R or, with is_color: false, grey; transformed by
                                          transform_param
    top[1]  label  (batch_size,)          (batch_size, k) where the lines end in k labels

    `new_height` and `new_width`, given together, resize every image; else, with batch_size 1,
    images may differ in size. LRCN's `min_height` and `min_width`, also given together, enlarge
    images that are smaller, keeping their aspect ratio. `shuffle` reshuffles at every pass;
    with `rand_skip` a random number of entries, below it, is skipped at first. `root_folder` is
    put before every path.

    Differences from Caffe: several labels, and fractions, are read; Caffe takes one integer. A
    list whose first file is not there is taken from its own folder.

    Caffe: src/caffe/layers/image_data_layer.cpp

    Example::

        layer { name: "data" type: "ImageData" top: "data" top: "label"
                image_data_param { source: "images.txt" batch_size: 4
                                   new_height: 12 new_width: 10 } }
    """

    reads = ("image_data_param", "transform_param", "data_param.prefetch")
    extensions: ClassVar[tuple[str, ...]] = (
        "transform_param.flow",
        "image_data_param.min_height",
        "image_data_param.min_width",
    )
    tops = (2, 2)

    @classmethod
    def image_size(cls, param: LayerParameter) -> tuple[int, int]:
        own, crop = param.image_data_param, param.transform_param.crop_size
        return (crop, crop) if crop else (own.new_height, own.new_width)

    def open(self, top: Blobs) -> ListedImageBatches:
        param = self.param.image_data_param
        size = self.batch_size(param)
        sizes = {name: getattr(param, name) for name in ("min_height", "min_width")}
        sizes |= {"new_height": param.new_height, "new_width": param.new_width}
        for kind in ("new", "min"):
            height, width = sizes[f"{kind}_height"], sizes[f"{kind}_width"]
            if bool(height) != bool(width):
                raise self.fail(
                    f"give {kind}_height and {kind}_width together, got {height} and {width}"
                )
        transformer = self.transformer(param)
        for field, color in (("force_color", True), ("force_gray", False)):
            if getattr(transformer, field) and param.is_color != color:
                raise self.fail(
                    f"reads images by is_color ({param.is_color}); drop {field} of "
                    f"transform_param, or set is_color: {str(color).lower()}"
                )
        images = ImageList(
            param.source, self._generator, param.root_folder, param.shuffle, param.rand_skip
        )
        return ListedImageBatches(images, transformer, size, color=param.is_color, **sizes)
