"""The pictures of `classify-video`: timelines, an annotated video, or a confusion matrix."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from caffe_lite.cli.picture_option import check_folder, write_picture
from caffe_lite.cli.unused_options import refuse

if TYPE_CHECKING:
    import numpy as np

    from caffe_lite.cli.recognizer import Recognized, Recognizer
    from caffe_lite.lrcn.pictures.canvas import Picture

FPS = 25  # of the video of --out
TIMELINES = 20  # in one picture
_SAMPLED = 12  # flow images from which the scale of their colours is found


class VideoPictures:
    """Collects what was recognized in videos, and draws it at the end."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.names: list[str] = []
        self.timelines: list[Picture] = []
        self.answers: list[tuple[int, int]] = []
        self.count = 0
        _check(args)

    def begin(self, recognizer: Recognizer, videos: Sequence[tuple[str, int | None]]) -> None:
        """Learn the classes, and the (folder, label) of the videos that will be added next.

        Raises DataError for a label that is not a class, if a confusion matrix is wanted.
        """
        from caffe_lite.errors import DataError

        classes = recognizer.first.classes
        self.names = recognizer.names or [str(label) for label in range(classes)]
        self.count += len(videos)
        for folder, label in videos:
            if self.args.picture and label is not None and not 0 <= label < classes:
                raise DataError(
                    f"{recognizer.args.list}: the label of {_name(folder)} is {label}, but the net "
                    f"has {classes} classes, 0 to {classes - 1}"
                )

    def add(self, folder: str, label: int | None, found: Recognized) -> None:
        """Keep what the pictures need of one video; write the video of --out."""
        if label is not None:
            self.answers.append((label, int(found.probs.argmax())))
        elif self.args.picture and len(self.timelines) < TIMELINES:
            self.timelines.append(self._timeline(folder, found))
        if self.args.out:
            self._write_video(folder, found)

    def write(self) -> None:
        from caffe_lite.lrcn.pictures.canvas import stack

        if not self.args.picture:
            return
        write_picture(
            self.args.picture, self._confusion() if self.answers else stack(self.timelines)
        )

    def _timeline(self, folder: str, found: Recognized) -> Picture:
        from caffe_lite.lrcn.pictures.timeline import Strip, draw_timeline

        strips = [
            Strip("flow" if flow else "frames", _shown(path, flow)) for path, flow in found.folders
        ]
        title = _name(folder)
        if self.count > TIMELINES:
            title += f"  (video {len(self.timelines) + 1} of {self.count:,})"
        top = self.args.top or 5
        return draw_timeline(title, strips, found.per_frame, found.probs, self.names, top)

    def _confusion(self) -> Picture:
        from caffe_lite.lrcn.pictures.confusion import confusion_matrix, draw_confusion

        labels, answers = zip(*self.answers, strict=True)
        right = sum(label == answer for label, answer in self.answers)
        title = f"accuracy {right / self.count:.4f} ({right:,} of {self.count:,} videos)"
        counts = confusion_matrix(labels, answers, len(self.names))
        return draw_confusion(title, counts, self.names)

    def _write_video(self, folder: str, found: Recognized) -> None:
        from caffe_lite.data.video_writer import write_video
        from caffe_lite.lrcn.pictures.annotated import annotate

        frames = _shown(*found.folders[0])
        pictures = annotate(frames, found.per_frame, found.probs, self.names, self.args.top or 5)
        write_video(self.args.out, pictures, self.args.fps or FPS)


def _check(args: argparse.Namespace) -> None:
    """Refuse what cannot be written, before anything is computed for it."""
    from caffe_lite.data.video_writer import ENDINGS, require_pyav
    from caffe_lite.errors import UsageError
    from caffe_lite.lrcn.pictures.text import font

    if args.out is None:
        refuse(args, ("fps",), "without --out")
        return
    if not args.out.lower().endswith(ENDINGS):
        raise UsageError(f"--out {args.out}: videos are written as {', '.join(ENDINGS)}")
    if args.list or len(args.videos) != 1:
        raise UsageError("--out takes one video; leave it out, or classify a single folder")
    if args.fps is not None and not 0 < args.fps <= 1000:
        raise UsageError(f"--fps must be above 0 and at most 1000, got {args.fps}")
    check_folder(args.out, "out")
    require_pyav()
    font(12)


def _name(folder: str) -> str:
    return os.path.basename(os.path.normpath(folder))


def _shown(folder: str, flow: bool) -> Sequence[np.ndarray]:
    """The frames of a folder as they are shown, flow as colours; read when they are asked for."""
    from caffe_lite.data.images import read_image
    from caffe_lite.lrcn.activity import FolderFrames
    from caffe_lite.lrcn.pictures.flow_sheet import colour_flow, decode_flow, fastest_motion

    frames = FolderFrames(folder, read_image)
    if not flow:
        return frames
    sampled = range(0, len(frames), -(-len(frames) // _SAMPLED))
    fastest = fastest_motion([decode_flow(frames[i]) for i in sampled])
    return FolderFrames(folder, lambda path: colour_flow(decode_flow(read_image(path)), fastest))
