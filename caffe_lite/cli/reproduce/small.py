"""What `--quick` rehearses with: small convnets, and the moving digits as captioned images."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from caffe_lite.lrcn.generate.layers import Convnet, Convolution

SIZE, CROP = 32, 28  # pixels of the moving digits, and of what the nets see of them
_CONVOLUTIONS = (
    Convolution(16, 5, pad=2, bias=0.1, is_pooled=True),
    Convolution(32, 3, pad=1, bias=0.1, is_pooled=True),
)
CONVNET = Convnet(
    _CONVOLUTIONS,
    deviation=0.05,
    bias=0.1,
    units=128,
    outputs=64,
    convolution_deviation=0.05,
)


def write_captioned_digits(folder: Path, train: int, test: int, seed: int = 1) -> None:
    """Write images/NAME.png and {train,val}.json in COCO's form.

    The channels B, G and R of an image are the first, the middle and the last frame of a clip.
    """
    from caffe_lite.data.images import write_image
    from caffe_lite.datasets.moving_digits import make_clips
    from caffe_lite.proto.atomic import atomic_path

    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    for split, count, source in (("train", train, "train"), ("val", test, "test")):
        clips = make_clips(count, seed, source)
        first = 1 if split == "train" else train + 1
        records, annotations = [], []
        frames = clips.frames[:, [0, clips.frames.shape[1] // 2 - 1, -1]].transpose(0, 2, 3, 1)
        for number, (picture, caption) in enumerate(
            zip(frames, clips.captions, strict=True), first
        ):
            name = f"{split}_{number:05d}.png"
            write_image(images / name, picture)
            records.append({"id": number, "file_name": name})
            annotations.append({"id": number, "image_id": number, "caption": caption})
        with atomic_path(folder / f"{split}.json") as partial:
            partial.write_text(json.dumps({"images": records, "annotations": annotations}))


def write_described_digits(folder: Path, train: int, test: int, seed: int = 1) -> None:
    """Write {train,val}.json in COCO's form, and the probabilities of the clips' labels.

    {train,val}_predictions.npy have a row per clip: what a net might say of the first digit, the
    motion, the relation and the second digit, right in most cases.
    """
    from caffe_lite.datasets.motions import MOTIONS, RELATIONS
    from caffe_lite.datasets.moving_digits import make_clips
    from caffe_lite.proto.atomic import atomic_path

    rng = np.random.default_rng(seed)
    for split, count, source in (("train", train, "train"), ("val", test, "test")):
        clips = make_clips(count, seed, source)
        alone = clips.paths.count == 1
        labels = (
            (clips.digits[:, 0], 10),
            (clips.labels, len(MOTIONS)),
            (np.where(alone, len(RELATIONS), clips.paths.relation), len(RELATIONS) + 1),
            (np.where(alone, 10, clips.digits[:, 1]), 11),
        )
        rows = [_unsure(truth.astype(int), number, rng) for truth, number in labels]
        np.save(folder / f"{split}_predictions.npy", np.concatenate(rows, axis=1))
        first = 1 if split == "train" else train + 1
        numbers = range(first, first + count)
        records = [{"id": number, "file_name": f"clip_{number:05d}"} for number in numbers]
        annotations = [
            {"id": number, "image_id": number, "caption": caption}
            for number, caption in zip(numbers, clips.captions, strict=True)
        ]
        with atomic_path(folder / f"{split}.json") as partial:
            partial.write_text(json.dumps({"images": records, "annotations": annotations}))


def _unsure(truth: np.ndarray, labels: int, rng: np.random.Generator) -> np.ndarray:
    """Probabilities (n, labels) that are highest for the true label in most rows."""
    scores = 4 * np.eye(labels)[truth] + 1.5 * rng.standard_normal((len(truth), labels))
    powers = np.exp(scores)
    return (powers / powers.sum(1, keepdims=True)).astype(np.float32)
