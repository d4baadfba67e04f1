"""Activities in videos: class probabilities of clips, averaged over crops and time."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from math import prod
from typing import Any

import numpy as np

from caffe_lite.errors import CaffeError, DataError, ModelError
from caffe_lite.layers._recurrent import RecurrentLayer
from caffe_lite.lrcn.activity.clips import clip_starts
from caffe_lite.lrcn.activity.frame_net import FrameNet, frames_per_batch
from caffe_lite.lrcn.activity.over_time import per_frame
from caffe_lite.lrcn.crops import center_crop, ten_crops
from caffe_lite.lrcn.image_input import ImageInput
from caffe_lite.nets.net import Net

Progress = Callable[[int, int], None]  # frames whose features are computed, of how many


def frames_input(net: Net) -> str:
    """The input of `net` that takes frames: the largest. Raises ModelError if it has none."""
    if not net.inputs:
        raise ModelError(f'net "{net.name}" has no inputs; use its deploy definition')
    return max(net.inputs, key=lambda name: net.blobs[name].count)


class VideoClassifier:
    """Class probabilities of videos, from LRCN's deploy nets.

    A net without recurrent layers classifies single frames: data (n, C, H, W) -> probabilities
    (n, K). A net with them classifies clips: data (T * N, C, H, W), time-major, and clip markers, 0
    where a clip begins -> probabilities (T, N, K). T and N are those of its definition; N clips or
    crops go through together. The layers before the first that sees several frames run once per
    frame, however many clips contain it (see `FrameNet`).

    `crops` is 1 (the centre) or 10; `flow` says that frames are flow images; a clip begins every
    `stride` frames (default: half a clip). `resize`, `mean` and `scale` are those of `ImageInput`
    (`images`), whose `read` reads frames from files. `optimize` is that of `FrameNet`. Raises
    ModelError for another kind of net.
    """

    def __init__(
        self,
        net: Net,
        *,
        crops: int = 10,
        flow: bool = False,
        stride: int | None = None,
        resize: tuple[int, int] | None = None,
        mean: float | Sequence[float] = 0.0,
        scale: float = 1.0,
        optimize: bool = True,
    ) -> None:
        if crops not in (1, 10):
            raise CaffeError(f"crops must be 1 or 10, got {crops}")
        self.net, self.crops, self.flow = net, crops, flow
        recurrent = [layer for layer in net.layers if isinstance(layer, RecurrentLayer)]
        if len(net.inputs) != 1 + bool(recurrent):
            expected = "two inputs, frames and clip markers" if recurrent else "one input, frames"
            raise ModelError(
                f'net "{net.name}" must have {expected}; it has '
                f"{', '.join(net.inputs)}: use its deploy definition"
            )
        self.data = frames_input(net)
        self.markers = next((name for name in net.inputs if name != self.data), None)
        self.images = ImageInput(net.blobs[self.data].shape[1:], resize, mean, scale)
        self.length, self.streams = 1, 0
        if recurrent:
            clips = net.bottom_names[recurrent[0].name][0]
            self.length, self.streams = net.blobs[clips].shape[:2]
            for name in net.inputs:
                self._check_items(name)
        self.stride = stride or max(1, self.length // 2)
        self.frame_net = FrameNet(net, self.data, optimize)
        self.probs = _probabilities(net)
        shape = net.blobs[self.probs].shape
        self.classes = shape[2] if recurrent and len(shape) > 2 else prod(shape[1:])

    def _check_items(self, name: str) -> None:
        shape, steps = self.net.blobs[name].shape, self.length * self.streams
        items = shape[0] if name == self.data else prod(shape)
        if items != steps:
            raise ModelError(
                f'net "{self.net.name}": {name} of shape {shape} must hold T * N = '
                f"{self.length} * {self.streams} frames, as its LSTM takes"
            )

    def frame_probabilities(
        self, frames: Sequence[np.ndarray], progress: Progress | None = None
    ) -> np.ndarray:
        """Probabilities (frames of all clips, K), averaged over crops; frames are (H, W, C) uint8.

        Clips come in order, their frames in time; see `clip_starts`. In a video shorter than a
        clip, whose last frame is repeated to fill the clip, each frame counts once.
        """
        return self._over_features(len(frames), self._features(frames, progress))

    def classify(
        self, frames: Sequence[np.ndarray], progress: Progress | None = None
    ) -> np.ndarray:
        """Probabilities (K,) of a video: the mean over its clips' frames."""
        return self.frame_probabilities(frames, progress).mean(axis=0)

    def features(
        self, frames: Sequence[np.ndarray], progress: Progress | None = None
    ) -> np.ndarray:
        """What `frame_net` computes of each frame: (frames, crops, ...) float32."""
        if not len(frames):
            raise DataError("a video without frames cannot be classified")
        return np.stack(list(self._features(frames, progress)))

    def classify_features(self, features: np.ndarray) -> np.ndarray:
        """Probabilities (K,) of a video from its `features`. Raises ModelError for other shapes."""
        return self.feature_probabilities(features).mean(axis=0)

    def feature_probabilities(self, features: np.ndarray) -> np.ndarray:
        """What `frame_probabilities` returns, from a video's `features`."""
        wanted = (self.crops, *self.net.blobs[self.frame_net.name].shape[1:])
        if features.shape[1:] != wanted or not len(features):
            raise ModelError(
                f'net "{self.net.name}" takes features of shape (frames, '
                f"{', '.join(map(str, wanted))}), got {features.shape}"
            )
        return self._over_features(len(features), iter(features))

    def per_frame(self, probs: np.ndarray, count: int) -> np.ndarray:
        """Probabilities (count, K) at each frame, from `frame_probabilities` of `count` frames."""
        if self.markers is None:
            return probs
        return per_frame(probs, count, self.length, self.stride)

    def _features(
        self, frames: Sequence[np.ndarray], progress: Progress | None
    ) -> Iterator[np.ndarray]:
        """Features (crops, ...) of each frame, computed in batches as they are asked for."""
        step = frames_per_batch(self.crops)
        for first in range(0, len(frames), step):
            last = min(first + step, len(frames))
            crops = self._cropped(np.stack([frames[i] for i in range(first, last)]))
            found = self.frame_net.compute(crops.reshape(-1, *crops.shape[2:]))
            if progress is not None:
                progress(last, len(frames))
            yield from found.reshape(last - first, self.crops, *found.shape[1:])

    def _cropped(self, pixels: np.ndarray) -> np.ndarray:
        """Input (n, crops, C, H, W) from frames (n, H, W, C)."""
        if self.crops == 1:
            return self.images.prepare(center_crop(pixels, self.images.size))[:, None]
        return self.images.prepare(ten_crops(pixels, self.images.size, self.flow))

    def _over_features(self, count: int, features: Iterator[np.ndarray]) -> np.ndarray:
        """Probabilities (frames of all clips, K) from the features of `count` frames in order."""
        if not count:
            raise DataError("a video without frames cannot be classified")
        if self.markers is None:
            return np.stack([each.mean(axis=0) for each in map(self._rest, features)])
        seen = min(self.length, count)
        starts = clip_starts(count, self.length, self.stride)
        clips = list(dict.fromkeys(starts))  # the last one may occur again, with the same result
        # (clip, crop) pairs are streams; N of them make a batch whichever clips they are of.
        pairs = _clips(features, count, clips, self.length)
        probs = np.empty((len(clips) * self.crops, self.length, self.classes))
        for first in range(0, len(probs), self.streams):
            batch = list(islice(pairs, self.streams))
            probs[first : first + len(batch)] = self._run_clips(batch)
        per_clip = probs.reshape(len(clips), self.crops, self.length, -1)[:, :, :seen].mean(axis=1)
        return per_clip[[clips.index(start) for start in starts]].reshape(-1, self.classes)

    def _run_clips(self, batch: list[list[np.ndarray]]) -> np.ndarray:
        """Probabilities (clips, T, K) of at most N clips, T features each."""
        blob, markers = self.net.blobs[self.frame_net.name], self.net.blobs[self.markers or ""]
        values = np.zeros((self.length, self.streams, *batch[0][0].shape), np.float32)
        for n, clip in enumerate(batch):
            for t, feature in enumerate(clip):
                values[t, n] = feature
        cont = np.ones((self.length, self.streams), np.float32)
        cont[0] = 0
        blob.reshape(self.length * self.streams, *batch[0][0].shape)
        blob.data[...] = self._device(values.reshape(blob.shape))
        markers.data[...] = self._device(cont.reshape(markers.shape))
        self._run_rest()
        probs = self.net.ops.to_host(self.net.blobs[self.probs].data)
        return probs.swapaxes(0, 1)[: len(batch)]

    def _rest(self, features: np.ndarray) -> np.ndarray:
        """Probabilities (crops, K) from features (crops, ...), for a net of single frames."""
        if not self.frame_net.rest:
            return features.astype(np.float64)
        blob = self.net.blobs[self.frame_net.name]
        blob.reshape(*features.shape)
        blob.data[...] = self._device(features)
        self._run_rest()
        probs = self.net.ops.to_host(self.net.blobs[self.probs].data)
        return probs.reshape(len(features), -1).astype(np.float64)

    def _run_rest(self) -> None:
        for start, end in self.frame_net.rest:
            self.net.forward(start, end)

    def _device(self, values: np.ndarray) -> Any:
        return self.net.ops.asarray(values)


def _clips(
    features: Iterator[np.ndarray], count: int, starts: Sequence[int], length: int
) -> Iterator[list[np.ndarray]]:
    """The features of each crop of each clip; keeps no more frames than a clip has."""
    kept: dict[int, np.ndarray] = {}
    read = 0
    for start in starts:
        while read < min(start + length, count):
            kept[read] = next(features)
            read += 1
        for old in [i for i in kept if i < start]:
            del kept[old]
        clip = [kept[min(start + t, count - 1)] for t in range(length)]
        yield from ([frame[crop] for frame in clip] for crop in range(len(clip[0])))


def _probabilities(net: Net) -> str:
    softmax = [net.top_names[layer.name][0] for layer in net.layers if layer.type == "Softmax"]
    if len(softmax) != 1:
        raise ModelError(
            f'net "{net.name}" must give probabilities by one Softmax layer, it has '
            f"{len(softmax)}; use its deploy definition"
        )
    return softmax[0]
