"""Lists of videos and of frames, as LRCN's UCF101 nets read them."""

import os
from pathlib import Path

import numpy as np

from caffe_lite.data.frames import find_video, read_frame_folder
from caffe_lite.data.lists import read_lines
from caffe_lite.errors import DataError, did_you_mean
from caffe_lite.lrcn.prepare.frames import ENDINGS

Labelled = list[tuple[str, int]]  # "CLASS/VIDEO" and the class's number, from 0


def labelled_videos(source: Path, classes: list[str] | None = None) -> Labelled:
    """The videos of `source`, a folder of CLASS/VIDEO files or folders, or a list of such paths.

    UCF101's own lists (trainlist01.txt) work too: text after a path is ignored. `classes` are in
    the order of their labels; by default class names are sorted. Raises DataError.
    """
    if source.is_dir():
        videos = sorted(
            f"{path.parent.name}/{path.stem if path.is_file() else path.name}"
            for path in source.glob("*/*")
            if path.is_dir() or path.suffix.lower() in ENDINGS
        )
        if not videos:
            raise DataError(
                f"{source}: the folder contains no CLASS/VIDEO, neither files "
                f"({', '.join(ENDINGS)}) nor folders"
            )
    else:
        lines: dict[str, int] = {}
        for number, line in read_lines(source, "videos"):
            video = _plain(line.split()[0])
            if video in lines:
                raise DataError(
                    f'{source}:{number}: "{video}" is listed already, in line {lines[video]}'
                )
            lines[video] = number
        videos = list(lines)
    names = {video: video.partition("/")[0] for video in videos}
    for video, name in names.items():
        if name == video:
            raise DataError(f'{source}: "{video}" has no class; CLASS/VIDEO is expected')
    order = classes if classes is not None else sorted(set(names.values()))
    numbers = {name: number for number, name in enumerate(order)}
    for video, name in names.items():
        if name not in numbers:
            raise DataError(
                f'{source}: "{video}" is of class "{name}", which is not in the list of '
                f"classes{did_you_mean(name, numbers)}"
            )
    return [(video, numbers[name]) for video, name in names.items()]


def _plain(path: str) -> str:
    stem, ending = os.path.splitext(path)
    return stem if ending.lower() in ENDINGS else path


def shuffled(videos: Labelled, seed: int) -> Labelled:
    """Shuffle with `seed`, so that a batch contains many classes."""
    return [videos[i] for i in np.random.default_rng(seed).permutation(len(videos))]


def frame_lines(videos: Labelled, root: str) -> list[str]:
    """Lines "VIDEO/FRAME label" for ImageData, one per frame of the videos under `root`."""
    lines = []
    for video, label in videos:
        found = read_frame_folder(find_video(root, video))
        lines += [f"{os.path.relpath(found.path(i), root)} {label}" for i in range(found.count)]
    return lines
