"""LRCN's clip layers: `module: "sequence_input_layer"`, unless a file of that name is found first.

With them LRCN's activity nets run unmodified in a folder that contains `frames/`, `flow_images/`
and the two lists. Environment variables select other places::

    LRCN_RGB_FRAMES=/data/frames LRCN_TRAIN_LIST=/data/train.txt caffe_lite train --solver ...

===================  =======================================  ==================================
variable             meaning                                  default
===================  =======================================  ==================================
LRCN_RGB_FRAMES      folder of the videos' folders of frames  frames/
LRCN_FLOW_FRAMES     the same for flow images                 flow_images/
LRCN_TRAIN_LIST      "CLASS/VIDEO label" per line             ucf101_split1_trainVideos.txt
LRCN_TEST_LIST                                                ucf101_split1_testVideos.txt
LRCN_TRAIN_BUFFER    clips per batch                          24
LRCN_TEST_BUFFER                                              3
LRCN_TRAIN_FRAMES    frames per clip                          16
LRCN_TEST_FRAMES                                              16
===================  =======================================  ==================================

A layer's `param_str`, a dict of `ClipSettings`, takes precedence:
`param_str: '{"root": "frames/", "buffer": 8, "crop": 113}'`.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from caffe_lite.blob import Blob
from caffe_lite.data.batches import BatchReader
from caffe_lite.layers.base import Layer
from caffe_lite.lrcn.clip_reader import ClipReader, ClipSettings
from caffe_lite.lrcn.clip_settings import settings

_AHEAD = 1  # batches; LRCN's are 384 frames, 59 MB


class VideoRead(Layer):
    """Clips of frames, time-major, with a label and a clip marker for every frame.

    top[0]  data          (T * N, 3, crop, crop)  B, G, R minus the mean; frame t of clip n is
                                                  item t * N + n
    top[1]  label         (T * N,)                the label of the frame's video
    top[2]  clip_markers  (T * N,)                0 for the first frame of each clip, else 1

    N = `buffer` clips of T = `frames` frames; see `ClipSettings` for the other settings. Videos
    come in the order of the list, cyclically; clips, crops and mirroring are random in both phases.

    Differences from LRCN's module: every clip is cropped, whereas that module crops mirrored clips
    and squeezes the others; frames larger than 240x320 are resized too; a clip may begin with the
    first frame of a video; there may be fewer videos than clips in a batch.
    """

    type = "Python"
    bottoms = (0, 0)
    tops = (3, 3)
    is_data = True
    on_device = True
    split: ClassVar[str] = "train"
    flow: ClassVar[bool] = False

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if len(top) != 3:
            raise self.fail(f"has three tops, data, label and clip_markers; got {len(top)}")
        param_str = self.param.python_param.param_str
        self.settings = self.find_settings(param_str)
        clips = ClipReader(self.settings, self.ops.host_rng(*self._seed_key))
        dtypes = (np.uint8, self.ops.dtype)
        self._reader = BatchReader(clips, dtypes, self.ops.host_memory, _AHEAD)
        self._mean = self.ops.asarray(np.array(self.settings.mean).reshape(3, 1, 1))
        for blob, shape in zip(top, self.declared_shapes(param_str, self.param.top), strict=True):
            blob.reshape(*shape)

    @classmethod
    def find_settings(cls, param_str: str) -> ClipSettings:
        """LRCN's settings for this class, overridden by the environment and `param_str`."""
        kind, split = "FLOW" if cls.flow else "RGB", cls.split.upper()
        variables = {
            "root": f"LRCN_{kind}_FRAMES",
            "list": f"LRCN_{split}_LIST",
            "buffer": f"LRCN_{split}_BUFFER",
            "frames": f"LRCN_{split}_FRAMES",
        }
        return settings(
            param_str,
            variables,
            {
                "root": "flow_images/" if cls.flow else "frames/",
                "list": f"ucf101_split1_{cls.split}Videos.txt",
                "buffer": 24 if cls.split == "train" else 3,
                "flow": cls.flow,
                # The red mean is that of LRCN's module; elsewhere in LRCN it is 123.68.
                "mean": (128.0,) * 3 if cls.flow else (103.939, 116.779, 128.68),
            },
        )

    @classmethod
    def declared_shapes(cls, param_str: str, tops: Sequence[str]) -> list[tuple[int, ...]]:
        """The shapes of the three tops with these settings; the videos need not exist."""
        found = cls.find_settings(param_str)
        frames = found.frames * found.buffer
        return [(frames, 3, found.crop, found.crop), (frames,), (frames,)]

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """The settings determine the shapes."""

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        frames, labels = self._reader.get()
        # Copy the bytes to the device before converting them: they are a quarter of the size.
        self.xp.subtract(self.ops.asarray(frames, "uint8"), self._mean, out=top[0].data)
        self.ops.copy_to_device(labels, top[1].data)
        top[2].data[: self.settings.buffer] = 0
        top[2].data[self.settings.buffer :] = 1

    def get_state(self) -> dict[str, Any]:
        return {**super().get_state(), "clips": self._reader.get_state()}

    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state(state)
        self._reader.set_state(state["clips"])

    def close(self) -> None:
        if hasattr(self, "_reader"):
            self._reader.close()


# The class names are an interface: LRCN's prototxts use them.
class videoReadTrain_RGB(VideoRead):  # noqa: N801
    """Training clips of `frames/`, 24 per batch."""


class videoReadTest_RGB(VideoRead):  # noqa: N801
    """Test clips of `frames/`, 3 per batch."""

    split = "test"


class videoReadTrain_flow(VideoRead):  # noqa: N801
    """Training clips of `flow_images/`, 24 per batch."""

    flow = True


class videoReadTest_flow(VideoRead):  # noqa: N801
    """Test clips of `flow_images/`, 3 per batch."""

    split = "test"
    flow = True
