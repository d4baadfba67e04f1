"""DataAugmentation: a crop from the middle less the mean, as deployed nets ask for it."""

from caffe_lite.forks.flownet._filters import apply
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs


@register("DataAugmentation")
class DataAugmentation(Layer):
    """Images less their mean, and cropped.

    bottom[0]  x       (N, C, H, W)    no gradient goes to it
    top[0]     y       (N, C, H', W')  `crop_height` x `crop_width` from the middle, or all
    blobs[0]   count   (1, 1, 1, 1)    iterations so far
    blobs[1]   mean    (1, C, H', W')  with `recompute_mean`, as blobs[2]
    blobs[2]   colour  (1, C, 1, 1)    the mean of each channel

    In the first `recompute_mean` iterations, in TEST as well, the mean of all images so far is
    computed and kept in the blobs; it is subtracted, as it is then, by pixel or, with
    `mean_per_pixel: false`, by channel. Without `recompute_mean` but with `mean_per_pixel: false`,
    the three values of `mean` are subtracted. The blobs have no gradient: their lr_mult is 0.

    A crop whose distance from the border is not whole lies between pixels and is interpolated.

    Differences from FlowNet: random transformations, colours and effects, and the coefficients that
    layers exchange for them, are not supported. Weights of a net of another size do not fit.

    Source: lmb-freiburg/flownet2

    Example::

        layer { name: "aug" type: "DataAugmentation" bottom: "image" top: "centred"
                augmentation_param { augment_during_test: true recompute_mean: 1
                                     mean_per_pixel: false } }
    """

    reads = ("augmentation_param",)
    spatial = True
    no_gradient = (0,)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param, shape = self.param.augmentation_param, bottom[0].shape
        if len(shape) != 4:
            raise self.fail(f"needs a bottom of 4 axes (N, C, H, W), got shape {shape}")
        if not self.blobs:
            self.add_blob((1, 1, 1, 1))
            if param.recompute_mean:
                self.add_blob((1, shape[1], *self._size(bottom)))
                self.add_blob((1, shape[1], 1, 1))
        specs = self.param.param
        while len(specs) < len(self.blobs):
            specs.add()
        for spec in specs:
            spec.lr_mult = spec.decay_mult = 0
        self._mean: Array | None = None
        if not param.recompute_mean and not param.mean_per_pixel and param.mean:
            if len(param.mean) != 3 or shape[1] != 3:
                raise self.fail(
                    f"takes 3 values of mean for 3 channels, got {len(param.mean)} for {shape}"
                )
            self._mean = self.ops.asarray(list(param.mean)).reshape(1, 3, 1, 1)

    def _size(self, bottom: Blobs) -> tuple[int, int]:
        param = self.param.augmentation_param
        cropped = param.crop_height and param.crop_width
        height, width = bottom[0].shape[2:]
        return (param.crop_height, param.crop_width) if cropped else (height, width)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shape, size = bottom[0].shape, self._size(bottom)
        if any(part > whole for part, whole in zip(size, shape[2:], strict=True)):
            raise self.fail(f"the crop {size} is larger than the bottom {shape}")
        if len(self.blobs) > 1 and self.blobs[1].shape != (1, shape[1], *size):
            self.blobs[1].reshape(1, shape[1], *size)
        top[0].reshape(*shape[:2], *size)
        self._work = self.ops.empty((*shape[:2], size[0], shape[3]))
        made = [self._cut(*each) for each in zip(shape[2:], size, strict=True)]
        self._rows, self._columns = made

    def _cut(self, size: int, part: int) -> Array:
        """A matrix (part, size) that takes the middle of an axis."""
        eye = self.xp.eye(part, size, dtype=self.ops.dtype)
        room = size - part
        low, high = self.xp.roll(eye, room // 2, axis=1), self.xp.roll(eye, -(-room // 2), axis=1)
        return (low + high) / 2

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        xp, param, y = self.xp, self.param.augmentation_param, top[0].data
        if y.shape == bottom[0].shape:
            y[...] = bottom[0].data
        else:
            apply(xp, self._rows, self._columns, bottom[0].data, y, self._work)
        if self._mean is not None:
            y -= self._mean
        count = self.blobs[0].data
        count += 1
        if not param.recompute_mean:
            return
        mean, color = self.blobs[1].data, self.blobs[2].data
        learns = count <= param.recompute_mean
        new = mean + (y.mean(axis=0, keepdims=True) - mean) / count
        xp.copyto(mean, new, where=learns)
        xp.copyto(color, mean.mean(axis=(2, 3), keepdims=True), where=learns)
        y -= mean if param.mean_per_pixel else color
