"""Moving digits as the HDF5 files that the nets of prototxt/lrcn read, and as arrays to score."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from caffe_lite.data.flow_images import encode_flow
from caffe_lite.data.hdf5_writer import RowWriter
from caffe_lite.datasets.captions import VOCABULARY, describe, streams, word_ids
from caffe_lite.datasets.export_clips import FLOW_SCALE, time_major
from caffe_lite.datasets.motions import FRAMES, MOTIONS, RELATIONS
from caffe_lite.datasets.moving_digits import Clips, make_clips
from caffe_lite.lrcn.vocabulary import Vocabulary

ACTIVITY_CLIPS = 20  # per batch of the activity nets
CLIPS = 50  # per batch of the caption and description nets
SEEN = (0, 4, 8, 12, 15)  # the frames of a clip that those nets see, as channels of one image
ROLES = {"subject": 10, "motion": len(MOTIONS), "relation": len(RELATIONS) + 1, "object": 11}
NOTHING = {"relation": len(RELATIONS), "object": 10}  # the labels of a clip with a single digit


@dataclass(frozen=True)
class Sizes:
    """Numbers of clips, in whole batches: `activity` of 20, `described` of 50, `test` of both."""

    activity: int
    described: int  # for the semantics net, and as many again for the nets that write sentences
    test: int


def semantics(clips: Clips) -> dict[str, np.ndarray]:
    """The labels (n,) of what clips show, for each of ROLES."""
    alone = clips.paths.count == 1
    return {
        "subject": clips.digits[:, 0].astype(int),
        "motion": clips.labels.astype(int),
        "relation": np.where(alone, NOTHING["relation"], clips.paths.relation).astype(int),
        "object": np.where(alone, NOTHING["object"], clips.digits[:, 1]).astype(int),
    }


def frames_as_channels(clips: Clips) -> np.ndarray:
    """(n, 5, 32, 32) uint8."""
    return clips.frames[:, list(SEEN)]


def sentences(clips: Clips) -> list[list[int]]:
    return [word_ids(caption) for caption in clips.captions]


def references(clips: Clips) -> list[list[str]]:
    """All true captions of each clip: "A above B" is also "B below A"."""
    other = clips.paths.relation.copy()
    stacked = (clips.paths.count == 2) & (other < 2)
    other[stacked] = 1 - other[stacked]
    swapped = describe(replace(clips.paths, relation=other), clips.digits[:, ::-1])
    return [
        [caption, turned] if both else [caption]
        for caption, turned, both in zip(clips.captions, swapped, stacked, strict=True)
    ]


def vocabulary() -> Vocabulary:
    return Vocabulary(VOCABULARY, "vocabulary of the moving digits")


class Shaken:
    """Clips as from a hand-held camera: each frame is shifted by -1, 0 or 1 pixels in x and y.

    Without the shake a single image of flow would identify every motion. `frames` are (n, 16, 32,
    32) uint8; `flow(rows)` is the motion of the digits and the camera together, and 0 on paper.
    """

    def __init__(self, clips: Clips, *seed: int) -> None:
        self.clips, self.labels = clips, clips.labels
        self.shift = np.random.default_rng(seed).integers(-1, 2, (len(clips), FRAMES + 1, 2))
        self.frames = _shifted(clips.frames, self.shift)

    def __len__(self) -> int:
        return len(self.clips)

    def flow(self, rows: slice) -> np.ndarray:
        """(k, 16, 32, 32, 2) float32, in pixels."""
        moved = self.clips.flow(rows)
        shift = self.shift[rows]
        camera = np.diff(shift, axis=1)[:, :, None, None]
        moved += camera * (self.clips.frames[rows] > 0)[..., None]
        return _shifted(moved, shift)


def flow_images(flow: np.ndarray) -> np.ndarray:
    """Images (..., 3) uint8 of flow (..., 2): 32 grey levels per pixel."""
    return encode_flow(flow, FLOW_SCALE)


def shaken_test(clips: Clips, seed: int) -> Shaken:
    """The test clips as the activity nets see them."""
    return Shaken(clips, seed, 1)


def _shifted(images: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Shift images (n, 16, 32, 32, ...) by `shift` (n, 17, 2) pixels, x and y; fill with zeros."""
    padded = np.pad(images, [(0, 0), (0, 0), (1, 1), (1, 1), *[(0, 0)] * (images.ndim - 4)])
    size = np.arange(images.shape[2])
    clip, frame = np.ogrid[: len(images), :FRAMES]
    x, y = np.moveaxis(1 - shift[:, :FRAMES, None] + size[:, None], -1, 0)  # (n, 16, 32) each
    return padded[clip[..., None, None], frame[..., None, None], y[..., None], x[..., None, :]]


def write_activity(folder: Path, name: str, clips: Shaken) -> None:
    """`name`.h5 and its list: rgb, flow, label and clip_markers, a batch of 20 clips at a time."""
    markers = np.ones((ACTIVITY_CLIPS, FRAMES), np.uint8)
    markers[:, 0] = 0

    def batch(first: int) -> dict[str, np.ndarray]:
        mine = slice(first, first + ACTIVITY_CLIPS)
        rows = {
            "rgb": clips.frames[mine, :, None],
            "flow": np.moveaxis(encode_flow(clips.flow(mine), FLOW_SCALE), -1, 2),
            "label": clips.labels[mine, None].repeat(FRAMES, 1),
            "clip_markers": markers,
        }
        return {key: time_major(values, ACTIVITY_CLIPS) for key, values in rows.items()}

    _write(folder, name, (batch(first) for first in range(0, len(clips), ACTIVITY_CLIPS)))


def write_clips(folder: Path, name: str, clips: Clips) -> None:
    """`name`.h5 and its list: frames and the labels of each role, a row per clip."""
    _write(folder, name, [{"frames": frames_as_channels(clips), **semantics(clips)}])


def write_sentences(folder: Path, name: str, clips: Clips) -> None:
    """`name`.h5 and its list: streams of words, a row per step, a column per clip of a batch."""
    _write(folder, name, [streams(sentences(clips), CLIPS)])


def write_predictions(folder: Path, name: str, predicted: dict[str, np.ndarray]) -> None:
    """Write the predictions of the semantics net: `name`.h5, `name`_tuples.h5 and their lists.

    `predicted` holds the probabilities (n, labels) of each role. The first file has a row per clip:
    the probabilities of all roles, concatenated (`prob`), and one-hot vectors of the most probable
    labels (`max`). The second has those labels as streams of words, a row per step.
    """
    _write(folder, name, [{"prob": joined(predicted), "max": joined(largest(predicted))}])
    ids = tuple_ids(predicted)
    cont = np.ones((len(ROLES), CLIPS), np.float32)
    cont[0] = 0
    _write(
        folder,
        f"{name}_tuples",
        (
            {"input_tuple": ids[:, i : i + CLIPS], "cont_tuple": cont}
            for i in range(0, ids.shape[1], CLIPS)
        ),
    )


def largest(predicted: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {
        role: np.eye(p.shape[1], dtype=np.float32)[p.argmax(1)] for role, p in predicted.items()
    }


def joined(predicted: dict[str, np.ndarray]) -> np.ndarray:
    """(n, 35) float32."""
    return np.concatenate([predicted[role] for role in ROLES], axis=1).astype(np.float32)


def tuple_ids(predicted: dict[str, np.ndarray]) -> np.ndarray:
    """Each role's likeliest label, numbered over all roles: (4, n) float32."""
    starts = np.cumsum([0, *ROLES.values()])
    return np.stack(
        [predicted[role].argmax(1) + start for role, start in zip(ROLES, starts, strict=False)]
    ).astype(np.float32)


def make(folder: Path, sizes: Sizes, seed: int) -> dict[str, Clips]:
    """Write the data that needs no trained net; return the clips by their use."""
    folder.mkdir(parents=True, exist_ok=True)
    clips = {
        "activity_train": make_clips(sizes.activity, 4 * seed),
        "semantics_train": make_clips(sizes.described, 4 * seed + 1),
        "captions_train": make_clips(sizes.described, 4 * seed + 2),
        "test": make_clips(sizes.test, 4 * seed, "test"),
    }
    for name, shaken in (
        ("activity_train", Shaken(clips["activity_train"], seed, 0)),
        ("activity_test", shaken_test(clips["test"], seed)),
    ):
        write_activity(folder, name, shaken)
    write_clips(folder, "semantics_train", clips["semantics_train"])
    write_clips(folder, "captions_train", clips["captions_train"])
    write_clips(folder, "test", clips["test"])
    write_sentences(folder, "captions_train_sentences", clips["captions_train"])
    write_sentences(folder, "test_sentences", clips["test"])
    vocabulary().write(folder / "vocabulary.txt")
    return clips


def _write(folder: Path, name: str, batches: Iterable[dict[str, np.ndarray]]) -> None:
    writer = RowWriter(folder / f"{name}.h5")
    try:
        for batch in batches:
            writer.append(**batch)
    finally:
        writer.close()
    (folder / f"{name}.txt").write_text(f"{name}.h5\n")
