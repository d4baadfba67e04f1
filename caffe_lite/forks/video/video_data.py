"""VideoData: clips of videos that a list names."""

from typing import Any

from caffe_lite.data.image_list import ImageList
from caffe_lite.forks.video._clips import ClipBatches, Frames, ListedBatches, SegmentBatches
from caffe_lite.forks.video._crops import EXTENSIONS, StackTransformer
from caffe_lite.layers._data import ImageDataLayer
from caffe_lite.layers.registry import register
from caffe_lite.proto import schema
from caffe_lite.types import Blobs

_SEGMENTED = ("num_segments", "modality", "name_pattern", "grayscale", "length_first")
_C3D = ("use_image", "sampling_rate", "use_temporal_jitter", "use_sampling_rate_jitter")


@register("VideoData", when=["video_data_param.source", "image_data_param.source"])
class VideoData(ImageDataLayer):
    """Clips and labels from a list, one "path number label" a line, cyclically.

    top[0]  data   (batch_size, C, L, H, W)  L = `new_length` frames; transformed by transform_param
    top[1]  label  (batch_size,)

    A path is a video file or a folder of images 000001.jpg, 000002.jpg, ...; the number is that of
    the clip's first frame. `new_height` and `new_width` resize frames; all frames of a clip are
    cropped and mirrored alike. `shuffle`, `rand_skip` and `root_folder` are as of ImageData. Videos
    are read with PyAV (`pip install "caffe_lite[video]"`), their frames counted from 1, and from 0
    where one of C3D's fields is given:

        use_image            the path is a folder
        sampling_rate        the step from frame to frame; use_sampling_rate_jitter draws it for
                             each clip from 1 to max_sampling_rate
        use_temporal_jitter  clips begin at random; a line of a video has no number, that of a
                             folder has its number of frames

    With `num_segments`, `modality`, `name_pattern` or `grayscale` it is yjxiong/caffe's: a path is
    a folder and the number that of its frames. Each of `num_segments` parts of equal length gives
    `new_length` frames, from a random one on in training, else from the middle.

    top[0]  data   (batch_size, C * L * num_segments, H, W)  C is 3, 1 with grayscale, and 2 with
                                                             modality: FLOW (the default)
    top[1]  label  (batch_size, 1, 1, 1)

    Files are image_%04d.jpg, or flow_%c_%04d.jpg with x and y, or as `name_pattern` says. In
    transform_param `fix_crop`, `more_fix_crop`, `multi_scale`, `scale_ratios` and `max_distort` say
    how random crops are drawn, and `is_flow` how flow is mirrored. With `length_first` the data is
    (batch_size, C, L * num_segments, H, W).

    C3D 1.0 has the same fields in `image_data_param`.

    Differences: a clip that cannot be read is an error; C3D skips it in training. With
    `use_temporal_jitter` a clip of a folder begins at 1 in the TEST phase, in C3D at 0. The label
    of several numbers (`use_multiple_label`) is refused.

    Source: facebook/C3D, chuckcho/video-caffe, yjxiong/caffe

    Example::

        layer { name: "data" type: "VideoData" top: "data" top: "label"
                video_data_param { source: "clips.txt" batch_size: 2 new_length: 3
                                   new_height: 12 new_width: 10 } }
    """

    reads = ("video_data_param", "image_data_param", "transform_param", "data_param.prefetch")
    extensions = (
        *EXTENSIONS,
        *(
            f"image_data_param.{name}"
            for name in ("new_length", "use_image", "sampling_rate", "use_temporal_jitter")
        ),
    )
    tops = (2, 2)

    @classmethod
    def own_message(cls, param: Any) -> Any:
        video = param.video_data_param
        return video if video.source else param.image_data_param

    @classmethod
    def source_shape(cls, param: Any, top: int, net: Any) -> tuple[int, ...] | None:
        own = cls.own_message(param)
        segmented = any(_has(own, name) for name in _SEGMENTED)
        if top:
            return (own.batch_size, 1, 1, 1) if segmented else (own.batch_size,)
        crop = param.transform_param.crop_size
        height, width = (crop, crop) if crop else (own.new_height, own.new_width)
        if not height or not width:
            return None
        if not segmented:
            color = getattr(own, "is_color", True)
            return (own.batch_size, 3 if color else 1, own.new_length, height, width)
        length, channels = own.new_length * own.num_segments, _frame_channels(own)
        stack = (channels, length) if own.length_first else (channels * length,)
        return (own.batch_size, *stack, height, width)

    def open(self, top: Blobs) -> ListedBatches:
        own = self.own_message(self.param)
        size = self.batch_size(own)
        self.refuse_moved(own)
        if own.new_length < 1 or bool(own.new_height) != bool(own.new_width):
            raise self.fail(
                "needs new_length of at least 1, and new_height and new_width together, got "
                f"{own.new_length}, {own.new_height} and {own.new_width}"
            )
        segmented = any(_has(own, name) for name in _SEGMENTED)
        transformer = StackTransformer(
            self.param.transform_param,
            self.train,
            self._generator,
            planes=not segmented or own.length_first,
        )
        jitter = not segmented and own.use_temporal_jitter
        numbers = 1 if jitter and not own.use_image else 2
        root = getattr(own, "root_folder", "")
        clips = ImageList(
            own.source, self._generator, root, own.shuffle, own.rand_skip, label_count=numbers
        )
        color = not own.grayscale if segmented else getattr(own, "is_color", True)
        if segmented:
            return self._segments(clips, transformer, size, color)
        frames = Frames(own.new_length, own.new_height, own.new_width, color)
        rate = max(own.sampling_rate, 1)
        drawn = getattr(own, "use_sampling_rate_jitter", False)
        return ClipBatches(
            clips,
            transformer,
            size,
            frames,
            images=own.use_image,
            jitter=jitter,
            first=0 if any(_has(own, name) for name in _C3D) else 1,
            rates=(1, max(own.max_sampling_rate, 1)) if drawn else (rate, rate),
        )

    def _segments(
        self, clips: ImageList, transformer: StackTransformer, size: int, color: bool
    ) -> SegmentBatches:
        own = self.param.video_data_param
        if own.num_segments < 1:
            raise self.fail("num_segments must be at least 1")
        flow = own.modality == schema.VideoDataParameter.FLOW
        pattern = own.name_pattern or ("flow_%c_%04d.jpg" if flow else "image_%04d.jpg")
        frames = Frames(own.new_length, own.new_height, own.new_width, color and not flow)
        return SegmentBatches(
            clips,
            transformer,
            size,
            frames,
            segments=own.num_segments,
            flow=flow,
            pattern=pattern,
            clip=own.length_first,
        )


def _has(message: Any, name: str) -> bool:
    return name in message.DESCRIPTOR.fields_by_name and bool(message.HasField(name))


def _frame_channels(own: Any) -> int:
    if own.modality == schema.VideoDataParameter.FLOW:
        return 2
    return 1 if own.grayscale else 3
