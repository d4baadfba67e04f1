"""WindowData: labelled windows of images, for R-CNN."""

from caffe_lite.data.window_file import WindowFile
from caffe_lite.data.windows import WindowBatches
from caffe_lite.layers._data import ImageDataLayer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs


@register("WindowData")
class WindowData(ImageDataLayer):
    """Image windows drawn at random from a window file and warped to one size (R-CNN).

    top[0]  data   (batch_size, 3, crop_size, crop_size)  B, G, R
    top[1]  label  (batch_size,)                          0 for background

    Windows with an overlap of at least `fg_threshold` are foreground, int(batch_size * fg_fraction)
    of each batch; those below `bg_threshold` are background. `crop_mode: "warp"` ignores a window's
    aspect ratio, "square" grows its shorter side; `context_pad` adds that many pixels around it.
    crop_size, mirror, scale, mean_file and mean_value belong to transform_param. The window file
    holds, per image: `# index`, path, channels (3), height, width, number of windows and
    `class overlap x1 y1 x2 y2` per window. `cache_images` keeps the files in memory.

    Girshick et al., CVPR 2014.

    Differences from Caffe: `transform_param.scale` counts; Caffe reads the field that its own
    upgrade has cleared.

    Caffe: src/caffe/layers/window_data_layer.cpp

    Example::

        layer { name: "data" type: "WindowData" top: "data" top: "label"
                transform_param { crop_size: 12 mirror: true mean_value: 100 }
                window_data_param { source: "windows.txt" batch_size: 4 context_pad: 2 } }
    """

    reads = ("window_data_param", "transform_param", "data_param.prefetch")
    tops = (2, 2)

    def open(self, top: Blobs) -> WindowBatches:
        param, transform = self.param.window_data_param, self.param.transform_param
        self.refuse_moved(param)
        size = self.batch_size(param)
        if transform.crop_size < 1:
            raise self.fail("needs transform_param { crop_size } of at least 1")
        if 2 * param.context_pad >= transform.crop_size:
            raise self.fail(
                f"context_pad must be less than half of crop_size "
                f"{transform.crop_size}, got {param.context_pad}"
            )
        if param.crop_mode not in ("warp", "square"):
            raise self.fail(f'crop_mode must be "warp" or "square", got "{param.crop_mode}"')
        if not 0 <= param.fg_fraction <= 1:
            raise self.fail(f"fg_fraction must be in [0, 1], got {param.fg_fraction:g}")
        if transform.force_gray:
            raise self.fail("reads images in colour; drop force_gray")
        file = WindowFile(param.source, param.fg_threshold, param.bg_threshold, param.root_folder)
        return WindowBatches(
            file,
            transform,
            self._generator,
            size,
            param.fg_fraction,
            param.context_pad,
            param.crop_mode == "square",
            param.cache_images,
        )
