"""Activities in videos: class probabilities of clips, over crops and time."""

from collections.abc import Iterator, Sequence
from itertools import islice
from math import prod
from typing import Any

import numpy as np

from caffe_lite.errors import CaffeError, DataError, ModelError
from caffe_lite.layers._recurrent import RecurrentLayer
from caffe_lite.lrcn.activity.clips import clip_starts
from caffe_lite.lrcn.crops import center_crop, ten_crops
from caffe_lite.lrcn.image_input import ImageInput
from caffe_lite.nets.net import Net


def frames_input(net: Net) -> str:
    """The input of `net` that takes frames: its largest. Raises ModelError without inputs."""
    if not net.inputs:
        raise ModelError(f'net "{net.name}" has no inputs; use its deploy definition')
    return max(net.inputs, key=lambda name: net.blobs[name].count)


class VideoClassifier:
    """Class probabilities of videos, from LRCN's deploy nets.

    A net without recurrent layers sees single frames: data (n, C, H, W) -> probabilities (n, K). A
    net with them sees clips: data (T * N, C, H, W), time-major, and clip markers, 0 where a clip
    begins -> probabilities (T, N, K). Its T and N are those of its definition: N clips or crops go
    through together.

    `crops` is 1 (the middle) or 10; `flow` says that frames are flow images; a clip begins every
    `stride` frames (default: half a clip). `resize`, `mean` and `scale` are as for `ImageInput`,
    whose `read` is there for frames in files (`images`). Raises ModelError for another kind of net.
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

    def frame_probabilities(self, frames: Sequence[np.ndarray]) -> np.ndarray:
        """Probabilities (frames of all clips, K), averaged over crops; frames are (H, W, C) uint8.

        Clips come in order, their frames in time; see `clip_starts`. Of a video shorter than a
        clip, whose last frame is repeated to fill it, each frame counts once.
        """
        if not len(frames):
            raise DataError("a video without frames cannot be classified")
        if self.markers is None:
            return self._single_frames(frames)
        seen = min(self.length, len(frames))
        starts = clip_starts(len(frames), self.length, self.stride)
        clips = list(dict.fromkeys(starts))  # the last one may come again, with the same result
        # (clip, crop) pairs are streams; N of them make a batch whichever clips they are of.
        pairs = (crop for start in clips for crop in self._clip(frames, start))
        probs = np.empty((len(clips) * self.crops, self.length, self.classes))
        for first in range(0, len(probs), self.streams):
            batch = list(islice(pairs, self.streams))
            probs[first : first + len(batch)] = self._run_clips(batch)
        per_clip = probs.reshape(len(clips), self.crops, self.length, -1)[:, :, :seen].mean(axis=1)
        return per_clip[[clips.index(start) for start in starts]].reshape(-1, self.classes)

    def classify(self, frames: Sequence[np.ndarray]) -> np.ndarray:
        """Probabilities (K,) of a video: the mean over its clips' frames."""
        return self.frame_probabilities(frames).mean(axis=0)

    def _cropped(self, pixels: np.ndarray) -> np.ndarray:
        """Input (n, crops, C, H, W) from frames (n, H, W, C)."""
        if self.crops == 1:
            return self.images.prepare(center_crop(pixels, self.images.size))[:, None]
        return self.images.prepare(ten_crops(pixels, self.images.size, self.flow))

    def _clip(self, frames: Sequence[np.ndarray], start: int) -> Iterator[np.ndarray]:
        """The crops of one clip, (T, C, H, W) each."""
        last = len(frames) - 1
        pixels = np.stack([frames[min(start + t, last)] for t in range(self.length)])
        yield from self._cropped(pixels).swapaxes(0, 1)

    def _run_clips(self, batch: list[np.ndarray]) -> np.ndarray:
        """Probabilities (clips, T, K) of at most N clips (T, C, H, W)."""
        data, markers = self.net.blobs[self.data], self.net.blobs[self.markers or ""]
        values = np.zeros((self.length, self.streams, *batch[0].shape[1:]), np.float32)
        for n, clip in enumerate(batch):
            values[:, n] = clip
        cont = np.ones((self.length, self.streams), np.float32)
        cont[0] = 0
        data.data[...] = self._device(values.reshape(data.shape))
        markers.data[...] = self._device(cont.reshape(markers.shape))
        self.net.forward()
        probs = self.net.ops.to_host(self.net.blobs[self.probs].data)
        return probs.swapaxes(0, 1)[: len(batch)]

    def _single_frames(self, frames: Sequence[np.ndarray], batch: int = 16) -> np.ndarray:
        found = []
        data = self.net.blobs[self.data]
        for first in range(0, len(frames), batch):
            crops = self._cropped(np.stack(frames[first : first + batch]))
            data.reshape(crops.shape[0] * self.crops, *crops.shape[2:])
            data.data[...] = self._device(crops.reshape(data.shape))
            self.net.forward()
            probs = self.net.ops.to_host(self.net.blobs[self.probs].data)
            found.append(probs.reshape(len(crops), self.crops, -1).mean(axis=1))
        return np.concatenate(found).astype(np.float64)

    def _device(self, values: np.ndarray) -> Any:
        return self.net.ops.asarray(values)


def _probabilities(net: Net) -> str:
    softmax = [net.top_names[layer.name][0] for layer in net.layers if layer.type == "Softmax"]
    if len(softmax) != 1:
        raise ModelError(
            f'net "{net.name}" must give probabilities by one Softmax layer, it has '
            f"{len(softmax)}; use its deploy definition"
        )
    return softmax[0]
