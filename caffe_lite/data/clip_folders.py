"""Moving digits as folders of JPEG frames and flow images, laid out like LRCN's UCF101."""

import os
from pathlib import Path

import numpy as np

from caffe_lite.data.flow_images import encode_flow, flow_name
from caffe_lite.data.images import write_image
from caffe_lite.data.motions import MOTIONS
from caffe_lite.data.moving_digits import Clips, make_clips
from caffe_lite.data.resize import resize

LISTS = {"train": "ucf101_split1_trainVideos.txt", "test": "ucf101_split1_testVideos.txt"}


def write_clip_folders(
    root: str | os.PathLike[str],
    count: dict[str, int],
    seed: int = 0,
    height: int = 240,
    width: int = 320,
) -> None:
    """Write `count["train"]` and `count["test"]` clips under `root`, enlarged to height x width.

    Makes `frames/VIDEO/VIDEO.0001.jpg` and on, `flow_images/VIDEO/flow_image_VIDEO.0002.jpg` and
    on (one more than LRCN has, from the last frame to the next, so that both have 16), and the two
    lists. Clips of "test" show digits that no clip of "train" shows.
    """
    root = Path(root)
    for split, n in count.items():
        clips = make_clips(n, seed, split)
        lines = []
        for i in range(n):
            motion = MOTIONS[clips.labels[i]].title().replace(" ", "")
            video = f"v_{motion}_{split}_c{i + 1:04d}"
            lines.append(f"{motion}/{video} {clips.labels[i]}\n")
            _write_clip(root, video, clips, i, (height, width))
        (root / LISTS[split]).write_text("".join(lines))


def _write_clip(root: Path, video: str, clips: Clips, index: int, size: tuple[int, int]) -> None:
    folders = [root / "frames" / video, root / "flow_images" / video]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    clip = clips[index]
    stretch = np.array([size[1] / clip.frames.shape[2], size[0] / clip.frames.shape[1]])
    for time, (frame, flow) in enumerate(zip(clip.frames, clip.flow, strict=True), 1):
        ink = resize(np.repeat(frame[..., None], 3, axis=2), *size)
        write_image(folders[0] / f"{video}.{time:04d}.jpg", ink)
        shown = resize(encode_flow(flow * stretch), *size)
        write_image(folders[1] / flow_name(f"{video}.{time + 1:04d}.jpg"), shown)
