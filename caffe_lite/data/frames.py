"""Videos as folders of numbered frames, and lists of videos in the form of LRCN's UCF101 lists."""

import os
import re
from dataclasses import dataclass

from caffe_lite.data.lists import read_lines, whole_number
from caffe_lite.errors import DataError
from caffe_lite.proto.foreign import shorten

_NUMBERED = re.compile(r"(.*?)(\d+)(\.(?:jpg|jpeg|png))", re.IGNORECASE)


@dataclass(frozen=True)
class FrameFolder:
    """A folder of frames NAME0001.jpg, NAME0002.jpg, ...: `count` frames from number `first` on."""

    folder: str
    prefix: str
    digits: int
    suffix: str
    first: int
    count: int

    def path(self, index: int) -> str:
        """The path of frame `index`, 0 to count - 1."""
        number = f"{self.first + index:0{self.digits}d}"
        return os.path.join(self.folder, f"{self.prefix}{number}{self.suffix}")


def read_frame_folder(folder: str) -> FrameFolder:
    """Find the numbered images in `folder`.

    Numbers may begin anywhere and must have no gaps; apart from the number all names are equal.
    Raises DataError if that is not so, or if there are no numbered images.
    """
    try:
        names = os.listdir(folder)
    except OSError as error:
        raise DataError(
            f"{folder}: the folder of frames cannot be read: {error.strerror}"
        ) from None
    matches = [match for match in map(_NUMBERED.fullmatch, names) if match]
    if not matches:
        raise DataError(
            f"{folder}: the folder has no numbered frames (NAME.0001.jpg, ...); "
            "extract them with `caffe_lite prepare videos`"
        )
    prefix, _, suffix = matches[0].groups()
    other = next((match[0] for match in matches if (match[1], match[3]) != (prefix, suffix)), None)
    if other is not None:
        raise DataError(
            f"{folder}: {matches[0][0]} and {other} are not frames of one video; keep "
            "one naming scheme per folder"
        )
    padded = any(match[2].startswith("0") for match in matches)
    numbers = {int(match[2]) for match in matches}
    first, last = min(numbers), max(numbers)
    found = FrameFolder(
        folder,
        prefix,
        min(len(match[2]) for match in matches) if padded else 1,
        suffix,
        first,
        last - first + 1,
    )
    if len(numbers) != found.count:
        gap = next(n for n in range(first, last) if n not in numbers)
        raise DataError(
            f"{found.path(gap - first)}: frame {gap} is missing, but the folder "
            f"continues to {last}; extract the frames of this video again"
        )
    return found


def read_video_list(path: str) -> list[tuple[str, int]]:
    """Read lines "CLASS/VIDEO label" as (video, label). Raises DataError for any other line."""
    videos = []
    for number, line in read_lines(path, "videos and labels"):
        video, _, written = line.rpartition(" ")
        label = whole_number(written)
        if not video.strip() or label is None:
            raise DataError(
                f'{path}:{number}: expected a video and its label, got "{shorten(line)}"'
            )
        videos.append((video.strip(), label))
    return videos


def find_video(root: str, video: str) -> str:
    """Find the frames of `video`, "CLASS/VIDEO": the folder `root`/VIDEO or `root`/CLASS/VIDEO.

    An ending such as .avi, as in UCF101's own lists, is ignored. Raises DataError if there is none.
    """
    name = os.path.basename(video)
    plain = os.path.splitext(video)[0]
    tried = [name, video, os.path.basename(plain), plain]
    for candidate in tried:
        folder = os.path.join(root, candidate)
        if os.path.isdir(folder):
            return folder
    raise DataError(
        f"{os.path.join(root, name)}: no such folder of frames; extract them with "
        "`caffe_lite prepare videos`, or give the folder that contains them"
    )
