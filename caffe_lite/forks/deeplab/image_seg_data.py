"""ImageSegData: images and a label for each pixel, from a list of files, read on the host."""

import numpy as np

from caffe_lite.data.images import read_image
from caffe_lite.errors import DataError
from caffe_lite.forks.label_maps.batches import PairBatches
from caffe_lite.forks.label_maps.layer import LabelMapLayer, read_pair, resize_pair
from caffe_lite.forks.label_maps.listing import Entry, PairList
from caffe_lite.forks.label_maps.transformer import PairTransformer
from caffe_lite.layers.registry import register
from caffe_lite.proto import schema
from caffe_lite.types import Array, Blobs, LayerParameter, Pair


@register("ImageSegData")
class ImageSegData(LabelMapLayer):
    """Images and a label for each of their pixels, from a list of files, cyclically.

    top[0]  data   (batch_size, C, H, W)  B, G, R or, with is_color: false, grey; transformed by
                                          transform_param
    top[1]  label  (batch_size, 1, H, W)
    top[2]  size   (batch_size, 1, 1, 2)  optional: height and width of the image in its file, at
                                          most H and W

    `label_type` says what follows an image in a line of the list, and what the labels are:

        PIXEL  an image of labels: its grey levels
        IMAGE  a whole number from 0 to 255: that label for all pixels (the default)
        NONE   nothing: `ignore_label` for all pixels

    transform_param's `crop_size`, or `crop_height` and `crop_width`, cut out a part, at random in
    the TRAIN phase, else the centre. Smaller images are padded below and on the right, by the mean
    and by `ignore_label`. `scale_factors` resize an image by one of them, drawn at random. `mirror`
    is drawn for both. Labels are never interpolated. `new_height`, `new_width`, `shuffle`,
    `rand_skip` and `root_folder` are those of ImageData. `mean_file` is refused.

    Source: hszhao/PSPNet, cdmh/deeplab-public-ver2, HyeonwooNoh/caffe

    Example::

        layer { name: "data" type: "ImageSegData" top: "data" top: "label" top: "size"
                image_data_param { source: "pairs.txt" batch_size: 2 label_type: PIXEL }
                transform_param { crop_size: 12 mean_value: 104 } }
    """

    reads = ("image_data_param", "transform_param", "data_param.prefetch")
    extensions = (
        "image_data_param.label_type",
        "image_data_param.ignore_label",
        "transform_param.scale_factors",
        "transform_param.crop_height",
        "transform_param.crop_width",
    )
    tops = (2, 3)
    window: tuple[str, ...] = ()  # what more a line of the list holds

    @classmethod
    def crop(cls, param: LayerParameter) -> Pair:
        own = param.transform_param
        return (own.crop_height, own.crop_width) if own.crop_height else super().crop(param)

    def open(self, top: Blobs) -> PairBatches:
        param, general = self.param.image_data_param, self.param.transform_param
        self.check_size(param)
        self.refuse_moved(param)
        if general.crop_size and (general.crop_height or general.crop_width):
            raise self.fail("give crop_size, or crop_height and crop_width, not both")
        if bool(general.crop_height) != bool(general.crop_width):
            raise self.fail("give crop_height and crop_width together")
        if not 0 <= param.ignore_label <= 255:
            raise self.fail(f"ignore_label must be from 0 to 255, got {param.ignore_label}")
        types = schema.ImageDataParameter
        kinds = {types.PIXEL: ("path",), types.IMAGE: ("number",), types.NONE: ()}
        pairs = PairList(
            param.source,
            self._generator,
            ("path", *kinds[param.label_type], *self.window),
            (param.root_folder,) * 2,
            param.shuffle,
            param.rand_skip,
        )
        transformer = PairTransformer(
            general,
            self.train,
            self._generator,
            self.crop(self.param),
            ignore_label=param.ignore_label,
        )
        return PairBatches(pairs, self.read, transformer, self.batch_size(param), len(top) > 2)

    def read(self, entry: Entry) -> tuple[Array, Array, Pair]:
        """The image (H, W, C), the labels (H, W, 1) and the image's size in its file."""
        param = self.param.image_data_param
        image, labels = self.read_files(entry)
        size = image.shape[:2]
        return *resize_pair(image, labels, param.new_height, param.new_width), size

    def read_files(self, entry: Entry) -> tuple[Array, Array]:
        """The image and its labels, as large as in the file."""
        param = self.param.image_data_param
        if param.label_type == schema.ImageDataParameter.PIXEL:
            return read_pair(entry[0], entry[1], param.is_color)
        label = param.ignore_label
        if param.label_type == schema.ImageDataParameter.IMAGE:
            label = entry[1]
        if not 0 <= label <= 255:
            raise DataError(f"{entry[0]}: a label must be from 0 to 255, got {label}")
        image = read_image(entry[0], color=param.is_color)
        return image, np.full((*image.shape[:2], 1), label, np.uint8)
