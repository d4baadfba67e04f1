"""Moving digits as folders of JPEG frames and flow images, laid out like LRCN's UCF101."""

import os
from pathlib import Path

import numpy as np

from caffe_lite.data.flow_images import encode_flow, flow_name
from caffe_lite.data.images import write_image
from caffe_lite.data.motions import MOTIONS
from caffe_lite.data.moving_digits import Clip, Clips, make_clips
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
        names = [video_name(clips, split, index) for index in range(n)]
        for index, name in enumerate(names):
            video = name.rpartition("/")[2]
            for kind, images in clip_images(video, clips[index], height, width).items():
                folder = root / kind / video
                folder.mkdir(parents=True, exist_ok=True)
                for file, image in images.items():
                    write_image(folder / file, image)
        rows = zip(names, clips.labels.tolist(), strict=True)
        (root / LISTS[split]).write_text("".join(f"{name} {label}\n" for name, label in rows))


def video_name(clips: Clips, split: str, index: int) -> str:
    """What the lists call a clip: `Motion/v_Motion_split_c0001`."""
    motion = MOTIONS[clips.labels[index]].title().replace(" ", "")
    return f"{motion}/v_{motion}_{split}_c{index + 1:04d}"


def clip_images(
    video: str, clip: Clip, height: int, width: int
) -> dict[str, dict[str, np.ndarray]]:
    """The images (height, width, 3) by file name of a clip's "frames" and its "flow_images"."""
    stretch = np.array([width / clip.frames.shape[2], height / clip.frames.shape[1]])
    images: dict[str, dict[str, np.ndarray]] = {"frames": {}, "flow_images": {}}
    for time, (frame, flow) in enumerate(zip(clip.frames, clip.flow, strict=True), 1):
        ink = resize(np.repeat(frame[..., None], 3, axis=2), height, width)
        images["frames"][f"{video}.{time:04d}.jpg"] = ink
        shown = resize(encode_flow(flow * stretch), height, width)
        images["flow_images"][flow_name(f"{video}.{time + 1:04d}.jpg")] = shown
    return images
