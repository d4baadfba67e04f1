"""DenseImageData: images and images of labels, from a list of files, read on the host."""

from caffe_lite.data.images import read_image
from caffe_lite.errors import DataError
from caffe_lite.forks.label_maps.batches import PairBatches
from caffe_lite.forks.label_maps.layer import LabelMapLayer
from caffe_lite.forks.label_maps.listing import Entry, PairList
from caffe_lite.forks.label_maps.transformer import PairTransformer, nearest
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, LayerParameter, Pair


@register("DenseImageData")
class DenseImageData(LabelMapLayer):
    """Images and label images from a list of files, one "image labels" a line, cyclically.

    top[0]  data   (batch_size, C, H, W)    B, G, R or, with is_color: false, grey; transformed by
                                            transform_param
    top[1]  label  (batch_size, 1, H', W')  the grey levels of the label images

    `new_height` and `new_width`, given together, resize images, and label images to the nearest
    pixel; else, with batch_size 1, images may differ in size. `label_divide_factor` makes the label
    images that much smaller. `crop_height` and `crop_width` cut out a part of the lower edge, at
    random across. `mirror`, here or in transform_param, and `crop_size` of transform_param treat
    both images alike; mean and scale are for images. `root_folder` is put before the paths, or
    `root_folder_image` and `root_folder_label`. `shuffle` and `rand_skip` are those of ImageData.

    Differences from SegNet, which refuses random transformations, and from caffe-enet, which draws
    them for image and labels apart in transform_param: here they go together. Label images of
    another size than the images are refused. `multi_scale` has no effect, as there.

    Source: alexgkendall/caffe-segnet, TimoSaemann/caffe-enet

    Example::

        layer { name: "data" type: "DenseImageData" top: "data" top: "label"
                dense_image_data_param { source: "pairs.txt" batch_size: 2
                                         new_height: 12 new_width: 10 } }
    """

    reads = ("dense_image_data_param", "transform_param", "data_param.prefetch")

    @classmethod
    def crop(cls, param: LayerParameter) -> Pair:
        own = param.dense_image_data_param
        return (own.crop_height, own.crop_width) if own.crop_height else super().crop(param)

    @classmethod
    def label_size(cls, param: LayerParameter) -> Pair:
        height, width = cls.image_size(param)
        factor = max(param.dense_image_data_param.label_divide_factor, 1)
        return height // factor, width // factor

    def open(self, top: Blobs) -> PairBatches:
        param = self.param.dense_image_data_param
        self.check_size(param)
        self._check_own_fields()
        roots = (param.root_folder_image, param.root_folder_label)
        pairs = PairList(
            param.source,
            self._generator,
            ("path", "path"),
            roots if any(roots) else (param.root_folder,) * 2,
            param.shuffle,
            param.rand_skip,
        )
        transformer = PairTransformer(
            self.param.transform_param,
            self.train,
            self._generator,
            self.crop(self.param),
            mirror=param.mirror,
            at_bottom=bool(param.crop_height),
        )
        return PairBatches(pairs, self._read, transformer, self.batch_size(param))

    def _check_own_fields(self) -> None:
        param, general = self.param.dense_image_data_param, self.param.transform_param
        if bool(param.crop_height) != bool(param.crop_width):
            raise self.fail("give crop_height and crop_width together")
        if param.crop_height and general.crop_size:
            raise self.fail("give crop_height and crop_width, or crop_size, not both")
        if param.mean_file:
            raise self.fail("mean_file belongs in transform_param")
        if param.label_divide_factor < 1:
            raise self.fail("label_divide_factor must be at least 1, got 0")
        if param.label_divide_factor > 1 and any(self.crop(self.param)):
            raise self.fail("label_divide_factor does not go with a crop")

    def _read(self, entry: Entry) -> tuple[Array, Array, Pair]:
        param = self.param.dense_image_data_param
        image = read_image(entry[0], param.new_height, param.new_width, param.is_color)
        labels = read_image(entry[1], color=False)
        height, width = (
            (param.new_height, param.new_width) if param.new_height else labels.shape[:2]
        )
        if (height, width) != image.shape[:2]:
            raise DataError(
                f"{entry[1]}: {height}x{width} pixels of labels for {image.shape[0]}x"
                f"{image.shape[1]} of {entry[0]}; they must be equal, or give new_height and "
                "new_width"
            )
        factor = param.label_divide_factor
        if height // factor < 1 or width // factor < 1:
            raise DataError(
                f"label_divide_factor {factor} leaves nothing of {height}x{width} labels"
            )
        size = image.shape[:2]
        return image, nearest(labels, height // factor, width // factor), size
