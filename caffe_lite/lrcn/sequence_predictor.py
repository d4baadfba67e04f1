"""Next-word probabilities from a sequence-to-sequence net: frames are encoded, words decoded."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe_lite.errors import CaffeError, ModelError
from caffe_lite.lrcn.caption_net import CaptionNet
from caffe_lite.lrcn.next_words import NextWords
from caffe_lite.lrcn.predictor import WordPredictor

Array = Any
States = list[np.ndarray]  # the carried states of a layer, (streams, H) each


class SequencePredictor(WordPredictor):
    """A `WordPredictor` whose "images" are videos, read frame by frame (S2VT's deploy nets).

    Encoding starts a sequence at the first frame: stage 0, word 0. The states after the last frame
    are kept per video; decoding continues from them with stage 1, frames of zeros and `cont` 1.
    Streams go through the net together, or one after the other if its layers fix their number at
    one, as S2VT's own net does.
    """

    def __init__(self, parts: CaptionNet) -> None:
        super().__init__(parts)
        self._encoded: list[States] = []  # of each recurrent layer, of the videos
        shape = parts.net.blobs[parts.image or ""].shape
        cont = parts.net.blobs[parts.cont].shape
        self._lead = 2 if shape[:2] == cont and len(shape) > 2 else 1  # (1, N, ...) or (N, ...)
        self._frame = shape[self._lead :]
        self._takes_many = self._takes(2)
        self._states: list[States] = []  # of the streams, if they go through one after the other

    def encode(self, images: Array | None) -> int:
        """Encode videos, arrays (frames, ...) as the net takes frames; return their number.

        Videos of the same length go through the net together. Raises ModelError for frames of
        another shape or a video without frames.
        """
        videos = [np.asarray(video) for video in ([] if images is None else images)]
        for video in videos:
            if video.ndim < 1 or not len(video) or video.shape[1:] != self._frame:
                raise ModelError(
                    f'net "{self.net.name}" takes videos of shape (frames, '
                    f"{', '.join(map(str, self._frame))}), got {video.shape}"
                )
        if not videos:
            raise ModelError(f'net "{self.net.name}" needs videos for its input {self.parts.image}')
        by_length: dict[int, list[int]] = {}
        for i, video in enumerate(videos):
            by_length.setdefault(len(video), []).append(i)
        found: dict[int, list[list[np.ndarray]]] = {}
        groups = list(by_length.values())
        if not self._takes_many:
            groups = [[i] for i in range(len(videos))]
        for members in groups:
            states = self._encode_batch(np.stack([videos[i] for i in members]))
            for row, i in enumerate(members):
                found[i] = [[state[row] for state in its] for its in states]
        self._encoded = [
            [
                np.stack(rows)
                for rows in zip(*(found[i][k] for i in range(len(videos))), strict=True)
            ]
            for k in range(len(self.parts.recurrent))
        ]
        return len(videos)

    def begin(self, rows: Sequence[int] | np.ndarray) -> NextWords:
        self._decode(rows)
        return self._step(np.zeros(len(rows)), np.ones(len(rows)))

    def advance(self, streams: np.ndarray, words: np.ndarray) -> NextWords:
        if self._takes_many:
            return super().advance(streams, words)
        self._states = [[state[streams] for state in states] for states in self._states]
        return self._step(words, np.ones(len(words)))

    def score(
        self, rows: Sequence[int] | np.ndarray, inputs: np.ndarray, targets: np.ndarray
    ) -> np.ndarray:
        """Log-probabilities (T, N) of `targets` after `inputs`, one forward per word."""
        self._decode(rows)
        return np.stack(
            [
                self._step(words, np.ones(len(rows))).of(wanted)
                for words, wanted in zip(inputs, targets, strict=True)
            ]
        )

    def _encode_batch(self, videos: np.ndarray) -> list[list[np.ndarray]]:
        """The states of each recurrent layer after the frames of videos (N, frames, ...)."""
        count = len(videos)
        for layer in self.parts.recurrent:
            layer.reset()
        for t in range(videos.shape[1]):
            self._set_frames(videos[:, t], 0)
            self._forward(np.zeros((1, count)), np.full((1, count), float(t > 0)))
        return [list(layer.get_state()["carried"]) for layer in self.parts.recurrent]

    def _decode(self, rows: Sequence[int] | np.ndarray) -> None:
        """Give stream i the states of the video `rows[i]`, and the net its decoding inputs."""
        chosen = np.asarray(rows)
        self._states = [[state[chosen] for state in states] for states in self._encoded]
        if self._takes_many:
            self._load(self._states)
        self._rows = np.empty(0, np.int32)
        self._show(chosen if self._takes_many else chosen[:1])

    def _step(self, words: np.ndarray, cont: np.ndarray) -> NextWords:
        if self._takes_many:
            return super()._step(words, cont)
        scores = []
        for i in range(len(words)):
            one = slice(i, i + 1)
            self._load([[state[one] for state in states] for states in self._states])
            found = super()._step(words[one], cont[one])
            scores.append(self.ops.asarray(found.scores).copy())
            for states, layer in zip(self._states, self.parts.recurrent, strict=True):
                for state, after in zip(states, layer.get_state()["carried"], strict=True):
                    state[one] = after
        return NextWords(self.ops, self.ops.xp.concatenate(scores), found.source)

    def _load(self, states: list[States]) -> None:
        """Give the recurrent layers these states, of as many streams as there are rows."""
        for layer, its_states in zip(self.parts.recurrent, states, strict=True):
            layer.reset()
            layer.select_streams([0] * len(its_states[0]))
            layer.set_state({**layer.get_state(), "carried": its_states})

    def _takes(self, streams: int) -> bool:
        """Whether the net can be reshaped to this number of streams."""
        names = [self.parts.words, self.parts.cont, self.parts.stage or "", self.parts.image or ""]
        blobs = [self.net.blobs[name] for name in names]
        before = [blob.shape for blob in blobs]
        for blob in blobs[:2]:
            blob.reshape(1, streams)
        blobs[2].reshape(1, streams, *before[2][2:])
        blobs[3].reshape(*[1] * (self._lead - 1), streams, *self._frame)
        try:
            self.net.reshape()
            is_possible = self.net.blobs[self.parts.scores].shape[:2] == (1, streams)
        except CaffeError:
            is_possible = False
        for blob, shape in zip(blobs, before, strict=True):
            blob.reshape(*shape)
        self.net.reshape()
        return is_possible

    def _show(self, rows: np.ndarray) -> None:
        """Frames of zeros, and stage 1, for as many streams as `rows`."""
        if len(rows) != len(self._rows):
            self._set_frames(np.zeros((len(rows), *self._frame)), 1)
        self._rows = np.asarray(rows)

    def _set_frames(self, frames: np.ndarray, stage: int) -> None:
        blob = self.net.blobs[self.parts.image or ""]
        blob.reshape(*[1] * (self._lead - 1), *frames.shape)
        blob.data[...] = self.ops.asarray(frames).reshape(blob.shape)
        flag = self.net.blobs[self.parts.stage or ""]
        flag.reshape(1, len(frames), *flag.shape[2:])
        flag.data[...] = stage
