"""Base of the data layers whose second top holds a label for each pixel."""

from caffe_lite.data.images import read_image
from caffe_lite.data.resize import resize
from caffe_lite.errors import DataError
from caffe_lite.forks.label_maps.transformer import nearest
from caffe_lite.layers._data import ImageDataLayer
from caffe_lite.types import AnyMessage, Array, LayerParameter, NetParameter, Pair, Shape


class LabelMapLayer(ImageDataLayer):
    """Reads pairs of images and label images that a list file names."""

    labels_pixels = True
    tops = (2, 2)

    @classmethod
    def source_shape(cls, param: LayerParameter, top: int, net: NetParameter) -> Shape | None:
        if top == 0:
            return super().source_shape(param, top, net)
        batch = cls.source_batch(param)
        if top == 2:
            return (batch, 1, 1, 2)
        height, width = cls.label_size(param)
        return (batch, 1, height, width) if height and width else None

    @classmethod
    def image_size(cls, param: LayerParameter) -> Pair:
        own, crop = cls.own_message(param), cls.crop(param)
        return crop if crop[0] else (own.new_height, own.new_width)

    @classmethod
    def label_size(cls, param: LayerParameter) -> Pair:
        """Height and width of the labels as the definition gives them, else zeros."""
        return cls.image_size(param)

    @classmethod
    def crop(cls, param: LayerParameter) -> Pair:
        """Height and width of the crops, zeros for none."""
        return (param.transform_param.crop_size,) * 2

    def check_size(self, param: AnyMessage) -> None:
        """Fail for new_height without new_width, and for fields that `is_color` decides."""
        for field in ("force_color", "force_gray"):
            if getattr(self.param.transform_param, field):
                raise self.fail(f"reads images by is_color; drop {field} of transform_param")
        if bool(param.new_height) != bool(param.new_width):
            raise self.fail(
                "give new_height and new_width together, got "
                f"{param.new_height} and {param.new_width}"
            )


def read_pair(image: str, labels: str, color: bool) -> tuple[Array, Array]:
    """An image (H, W, C) and its label image (H, W, 1) of the same size, from files."""
    pixels, label = read_image(image, color=color), read_image(labels, color=False)
    if pixels.shape[:2] != label.shape[:2]:
        raise DataError(
            f"{labels}: {label.shape[0]}x{label.shape[1]} pixels of labels for "
            f"{pixels.shape[0]}x{pixels.shape[1]} of {image}; they must be equal"
        )
    return pixels, label


def resize_pair(image: Array, labels: Array, height: int, width: int) -> tuple[Array, Array]:
    """Both at another size, labels without interpolation; zeros leave them alone."""
    if not height:
        return image, labels
    return resize(image, height, width), nearest(labels, height, width)
