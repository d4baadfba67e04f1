"""Clips of the moving digits as JPEG frames and flow images, named like LRCN's UCF101."""

import numpy as np

from caffe_lite.data.flow_images import encode_flow, flow_name
from caffe_lite.data.resize import resize
from caffe_lite.datasets.motions import MOTIONS
from caffe_lite.datasets.moving_digits import Clip, Clips


def video_name(clips: Clips, split: str, index: int) -> str:
    """The name of a clip in the lists: `Motion/v_Motion_split_c0001`."""
    motion = MOTIONS[clips.labels[index]].title().replace(" ", "")
    return f"{motion}/v_{motion}_{split}_c{index + 1:04d}"


def clip_images(
    video: str, clip: Clip, height: int, width: int
) -> dict[str, dict[str, np.ndarray]]:
    """The images (height, width, 3) by file name of a clip's "frames" and its "flow_images".

    Names count from `VIDEO.0001.jpg` and `flow_image_VIDEO.0002.jpg`. There is one flow image more
    than in LRCN, from the last frame to the one after it, so that both have 16.
    """
    stretch = np.array([width / clip.frames.shape[2], height / clip.frames.shape[1]])
    images: dict[str, dict[str, np.ndarray]] = {"frames": {}, "flow_images": {}}
    for time, (frame, flow) in enumerate(zip(clip.frames, clip.flow, strict=True), 1):
        ink = resize(np.repeat(frame[..., None], 3, axis=2), height, width)
        images["frames"][f"{video}.{time:04d}.jpg"] = ink
        shown = resize(encode_flow(flow * stretch), height, width)
        images["flow_images"][flow_name(f"{video}.{time + 1:04d}.jpg")] = shown
    return images
