"""What `--quick` rehearses with: small convnets, and the moving digits as captioned images."""

from __future__ import annotations

import json
from pathlib import Path

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
