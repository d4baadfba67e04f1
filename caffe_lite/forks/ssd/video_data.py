"""VideoData: the frames of a video."""

import os
from typing import Any

from caffe_lite.forks.ssd._transformer import EXTENSIONS, BoxTransformer, image_size
from caffe_lite.forks.ssd._video import VideoBatches
from caffe_lite.layers._data import ImageDataLayer
from caffe_lite.layers.registry import register
from caffe_lite.proto import schema
from caffe_lite.types import Blobs


@register("VideoData")
class VideoData(ImageDataLayer):
    """The frames of a video file, in order, `skip_frames` left out before each.

    top[0]  data   (batch_size, C, H, W)  B, G, R; transformed by transform_param
    top[1]  label  (batch_size,)          optional: zeros

    `data_param.batch_size` is the number of frames. The end of the video is an error. Files are
    read with PyAV (`pip install "caffe_lite[video]"`).

    Differences from SSD: a camera (`video_type: WEBCAM`, the default) is refused. At the end of the
    video SSD sends itself an interrupt.

    Source: weiliu89/caffe (branch ssd)

    Example::

        layer { name: "data" type: "VideoData" top: "data" data_param { batch_size: 1 }
                transform_param { mean_value: 104 resize_param { height: 12 width: 10 } }
                video_data_param { video_type: VIDEO video_file: "clip.mp4" skip_frames: 1 } }
    """

    reads = ("data_param", "video_data_param", "transform_param")
    extensions = EXTENSIONS
    tops = (1, 2)

    @classmethod
    def source_exists(cls, param: Any) -> bool:
        own = param.video_data_param
        return own.video_type == schema.VideoDataParameter.VIDEO and os.path.exists(own.video_file)

    @classmethod
    def image_size(cls, param: Any) -> tuple[int, int]:
        return image_size(param.transform_param)

    def open(self, top: Blobs) -> VideoBatches:
        own = self.param.video_data_param
        if own.video_type != schema.VideoDataParameter.VIDEO:
            raise self.fail("reads video files, not a camera; set video_type: VIDEO and video_file")
        if not own.video_file:
            raise self.fail("needs video_data_param { video_file }")
        size = self.batch_size(self.param.data_param)
        transformer = BoxTransformer(self.param.transform_param, self.train, self._generator)
        return VideoBatches(own.video_file, transformer, size, len(top) > 1, own.skip_frames)
