"""The tasks of `prepare` for videos: frames, optical flow and lists for LRCN's activity nets."""

import argparse
import logging
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from caffe_lite.cli import options
from caffe_lite.cli.commands import Parser
from caffe_lite.cli.picture_option import add_picture, check_picture
from caffe_lite.cli.progress import duration

log = logging.getLogger("caffe_lite.video")

FRAMES = """Extract the frames of videos as numbered JPEG files.

    caffe_lite prepare videos UCF-101/ --out frames

writes frames/NAME/NAME.0001.jpg and so on for each video NAME. Videos whose frames are complete are
skipped, so that an interrupted command can be repeated.
"""
FLOW = """Compute optical flow images from frames.

    caffe_lite prepare flow frames --out flow_images

writes the motion from each frame to the next as flow_images/NAME/flow_image_NAME.0002.jpg and so
on: x and y in red and green, 16 grey levels per pixel around 128, and their length in blue.
Complete folders are skipped, so that an interrupted command can be repeated.
"""
LISTS = """List videos, and optionally their frames, with their labels.

    caffe_lite prepare lists trainlist01.txt --classes classInd.txt --out train.txt

writes "CLASS/NAME label" lines for the clip layers, shuffled; with --frames and --frame-list also
"NAME/FRAME label" lines for ImageData.
"""


def add_tasks(parser: Parser) -> None:
    """Add `prepare`'s tasks for videos: videos, flow, lists."""
    frames = parser.add_task("videos", FRAMES, run)
    frames.add_argument("sources", nargs="+", metavar="VIDEO", help="video files, or folders")
    options.add_flag(
        frames,
        "fps",
        type=_rate,
        metavar="N",
        help="frames per second (default: every frame of the video)",
    )
    options.add_flag(
        frames,
        "size",
        type=_size,
        metavar="HxW",
        help="resize frames (default: the video's size; LRCN's are 240x320)",
    )
    flow = parser.add_task("flow", FLOW, run)
    flow.add_argument(
        "sources",
        nargs="+",
        metavar="DIR",
        help="folders that contain the videos' folders of frames",
    )
    options.add_flag(
        flow,
        "method",
        choices=("auto", "opencv", "dis", "tvl1"),
        default="auto",
        help="opencv: dense inverse search by OpenCV (extra `flow`); dis: the same in C, built in; "
        "tvl1: TV-L1 in NumPy, slow; auto (default): the first of these that is available",
    )
    add_picture(flow, "frames and the flow to them as colour, of up to 6 of the videos")
    for task in (frames, flow):
        options.add_flag(task, "out", required=True, metavar="DIR", help="where to write")
        options.add_flag(
            task,
            "quality",
            type=int,
            default=95,
            metavar="N",
            choices=range(1, 101),
            help="quality of the JPEG files, 1 to 100 (default 95)",
        )
        options.add_flag(
            task,
            "jobs",
            type=options.positive,
            default=os.cpu_count() or 1,
            metavar="N",
            help="videos processed at the same time (default: one per processor)",
        )
    lists = parser.add_task("lists", LISTS, run)
    lists.add_argument(
        "source",
        metavar="SOURCE",
        help="a folder of CLASS/VIDEO files or folders, or a list of such paths",
    )
    options.add_flag(
        lists,
        "classes",
        metavar="FILE",
        help="classes in the order of their labels (default: sorted by name)",
    )
    options.add_flag(lists, "out", required=True, metavar="LIST", help="the list to write")
    options.add_flag(lists, "frames", metavar="DIR", help="folder that contains the videos' frames")
    options.add_flag(lists, "frame_list", metavar="LIST", help="also write a list of frames")
    options.add_flag(
        lists,
        "seed",
        type=options.natural,
        default=1,
        metavar="N",
        help="random seed of the order (default 1)",
    )


def _size(text: str) -> tuple[int, int]:
    height, _, width = text.partition("x")
    if not (height.isdigit() and width.isdigit() and int(height) and int(width)):
        raise argparse.ArgumentTypeError(f"HxW such as 240x320 expected, got {text}")
    return int(height), int(width)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate <= 1000:
        raise argparse.ArgumentTypeError(f"a rate above 0, at most 1000, expected, got {text}")
    return rate


def run(args: argparse.Namespace) -> int:
    from caffe_lite.cli.log import start_log

    live = start_log()
    try:
        return {"videos": _frames, "flow": _flow, "lists": _lists}[args.task](args, live)
    finally:
        live.finish()


def _frames(args: argparse.Namespace, live: Any) -> int:
    from caffe_lite.lrcn.prepare.frames import extract_frames, find_videos

    out = _folder(args.out)
    return _each(
        extract_frames,
        [(video, out, args.fps, args.size, args.quality) for video in find_videos(args.sources)],
        args,
        live,
    )


def _flow(args: argparse.Namespace, live: Any) -> int:
    from caffe_lite.cli.flow_picture import write_flow_picture
    from caffe_lite.errors import DataError
    from caffe_lite.lrcn.prepare.flow import estimate_seconds, write_flow
    from caffe_lite.lrcn.prepare.flow_methods import METHODS, best_method

    check_picture(args.picture)
    folders = [
        path
        for source in args.sources
        for path in sorted(Path(source).glob("[!.]*"))
        if path.is_dir()
    ]
    if not folders:
        raise DataError(f"{', '.join(args.sources)}: contains no folders of frames")
    out = _folder(args.out)
    method = best_method() if args.method == "auto" else args.method
    left = [folder for folder in folders if not (out / folder.name).is_dir()]
    pairs, seconds = estimate_seconds(left, method)
    log.info(
        "Optical flow by %s: %d pairs of frames in %d videos, about %s",
        METHODS[method].title,
        pairs,
        len(left),
        duration(pairs * seconds / min(args.jobs, max(len(left), 1))),
    )
    calls = [(folder, out, method, args.quality) for folder in folders]
    try:
        return _each(write_flow, calls, args, live)
    finally:
        if args.picture:
            write_flow_picture(args.picture, folders, out)


def _lists(args: argparse.Namespace, live: Any) -> int:
    from caffe_lite.data.lists import write_lines
    from caffe_lite.errors import UsageError
    from caffe_lite.lrcn.activity import read_class_names
    from caffe_lite.lrcn.prepare import lists

    if bool(args.frames) != bool(args.frame_list):
        raise UsageError("give --frames and --frame-list together")
    classes = read_class_names(args.classes) if args.classes else None
    videos = lists.shuffled(lists.labelled_videos(Path(args.source), classes), args.seed)
    written = [(args.out, [f"{video} {label}" for video, label in videos])]
    if args.frame_list:
        written.append((args.frame_list, lists.frame_lines(videos, args.frames)))
    for path, lines in written:
        write_lines(path, lines)
        print(f"{path}: {len(lines)} lines")
    return 0


def _folder(path: str) -> Path:
    from caffe_lite.errors import UsageError

    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {path}: {error.strerror}") from None
    return Path(path)


def _each(
    function: Callable[..., bool], calls: list[tuple[Any, ...]], args: argparse.Namespace, live: Any
) -> int:
    """Make the calls, `--jobs` at a time; log those that fail and continue with the others."""
    from caffe_lite.cli.progress import Progress
    from caffe_lite.errors import CaffeError, DataError

    progress = Progress(live)
    made, failed = 0, []
    for done, outcome in enumerate(_outcomes(function, calls, args.jobs), 1):
        if isinstance(outcome, DataError):
            failed.append(outcome)
            log.error("%s", outcome)
        elif isinstance(outcome, CaffeError):
            raise outcome
        else:
            made += bool(outcome)
        progress.report(args.out, done, len(calls))
    live.finish()
    print(
        f"{args.out}: {made} made, {len(calls) - made - len(failed)} there already, "
        f"{len(failed)} failed"
    )
    if failed:
        raise DataError(f"{len(failed)} of {len(calls)} failed; the first: {failed[0]}")
    return 0


def _start_worker() -> None:
    """Leave Ctrl-C to the parent, and use one thread, as there is a process per processor."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["CAFFE_LITE_THREADS"] = "1"


def _outcomes(
    function: Callable[..., bool], calls: list[tuple[Any, ...]], jobs: int
) -> Iterator[Any]:
    """Yield the result of each call, or the CaffeError that it raised.

    Closing the iterator terminates the running calls. Raises CaffeError if a process is killed.
    """
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import active_children, get_context

    from caffe_lite.errors import CaffeError

    if jobs <= 1 or len(calls) == 1:
        for call in calls:
            try:
                result: Any = function(*call)
            except CaffeError as error:
                result = error
            yield result
        return
    others = set(active_children())
    with ProcessPoolExecutor(jobs, get_context("spawn"), _start_worker) as pool:
        futures = [pool.submit(function, *call) for call in calls]
        try:
            for future in as_completed(futures):
                try:
                    outcome: Any = future.result()
                except CaffeError as error:
                    outcome = error
                yield outcome
        except BrokenProcessPool:
            raise CaffeError(
                "a process that worked on a video was killed; if memory ran out, give fewer --jobs"
            ) from None
        except BaseException:
            for worker in set(active_children()) - others:
                worker.terminate()
            raise
