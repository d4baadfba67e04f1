"""Lists of clips that the tests read."""

import numpy as np

from caffe_lite.data.images import write_image


def frame(clip, number, height=12, width=16):
    """Grey levels that name the clip and the frame, smooth enough to survive JPEG."""
    image = np.full((height, width, 3), 40 * clip + 10 * number, np.uint8)
    image[:, width // 2 :] += 5
    return image


def write_clips(path, count=2, frames=5):
    """A list at `path`, and folders of 000001.jpg, ... beside it."""
    lines = []
    for clip in range(count):
        folder = path.parent / f"{path.stem}_{clip}"
        folder.mkdir()
        for number in range(1, frames + 1):
            write_image(folder / f"{number:06d}.jpg", frame(clip, number), quality=100)
        lines.append(f"{folder} {clip + 1} {3 * clip}")
    path.write_text("\n".join(lines) + "\n")


def write_segments(path, count=2, frames=8):
    """A list at `path` for yjxiong's layer, and folders of colour and flow images beside it."""
    lines = []
    for clip in range(count):
        folder = path.parent / f"{path.stem}_{clip}"
        folder.mkdir()
        for number in range(1, frames + 1):
            write_image(folder / f"image_{number:04d}.jpg", frame(clip, number), quality=100)
            for k, axis in enumerate("xy"):
                image = np.full((12, 16, 3), 40 * clip + 10 * number + 5 * k, np.uint8)
                write_image(folder / f"flow_{axis}_{number:04d}.jpg", image, quality=100)
        lines.append(f"{folder} {frames} {clip}")
    path.write_text("\n".join(lines) + "\n")
