"""Export of the moving digits: as HDF5 and LMDB by time, as frame folders, and with captions.

LRCN's nets read batches of T x N rows, where row t * N + n is frame t of clip n, and Caffe has no
layer that transposes. So the files have this layout: groups of N clips, one group per batch. The
reader must not shuffle rows, and its `batch_size` must be 16 * N. The same N clips are together in
every pass, which does not matter with hundreds of batches.
"""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from caffe_lite.data import datum
from caffe_lite.data.flow_images import CENTRE, encode_flow
from caffe_lite.datasets import captions
from caffe_lite.datasets.clip_folders import clip_images, video_name
from caffe_lite.datasets.export import Folder, Progress
from caffe_lite.datasets.motions import FRAMES, MOTIONS, SIZE
from caffe_lite.datasets.moving_digits import Clips, make_clips
from caffe_lite.errors import DataError

FORMS = ("hdf5", "flow", "lmdb", "frames", "captions")
MEAN, DEVIATION = (
    25.5,
    64.0,
)  # of the frames' grey levels, roughly, because HDF5Data cannot transform
FLOW_SCALE = 32.0  # grey levels per pixel of motion: no digit moves by 4 pixels a frame
_FILE_CLIPS = 1000  # at most, per HDF5 file
_FOLDERS = 500  # at most, per split: each holds 16 small files


def write_moving_digits(
    out: str | os.PathLike[str],
    train_clips: int = 6000,
    test_clips: int = 500,
    seed: int = 1,
    batch_clips: int = 20,
    forms: tuple[str, ...] = ("hdf5",),
    progress: Progress | None = None,
) -> Path:
    """Write moving digits under `out`; return its path. With `forms`, for "train" and "test":

    - "hdf5": `train.txt` lists HDF5 files with `data` (rows, 1, 32, 32), the grey levels less
      MEAN and over DEVIATION, `label` (rows,) and `clip_markers` (rows,), 0 on a first frame.
    - "flow": `train_flow.txt` the same with `data` (rows, 3, 32, 32): flow images (magnitude, y,
      x) less 128 and over FLOW_SCALE, which is pixels per frame.
    - "lmdb": `train_lmdb`, the frames as datums with labels, in the same order of rows.
    - "frames": the first 500 clips as folders of JPEG frames and flow images, laid out as in
      `clip_folders`; `train_videos.txt` lists the clips, `train_frames.txt` and
      `train_flow_frames.txt` the images.
    - "captions": `captions/train/`: `hdf5_chunk_list.txt` (streams of `batch_clips` captions, 8
      steps a batch), `image_list.with_dummy_labels.txt` (one picture per caption, in the same
      order, its B, G and R the first, middle and last frame), `captions.txt`.

    `labels.txt` and `vocabulary.txt` name motions and words. Row t * batch_clips + n of each
    batch of 16 * batch_clips rows is frame t of its clip n.
    """
    unknown = set(forms) - set(FORMS)
    if unknown:
        raise DataError(f"unknown form {', '.join(sorted(unknown))}; there are {', '.join(FORMS)}")
    for count in (train_clips, test_clips):
        if count <= 0 or count % batch_clips:
            raise DataError(f"{count} clips are not whole batches of {batch_clips}; change either")
    settings = {
        "dataset": "moving_digits",
        "version": 1,
        "train_clips": train_clips,
        "test_clips": test_clips,
        "seed": seed,
        "batch_clips": batch_clips,
    }
    folder = Folder(out, settings, 2 * len(forms), progress)
    folder.text("labels.txt", "".join(f"{motion}\n" for motion in MOTIONS))
    folder.text("vocabulary.txt", "".join(f"{word}\n" for word in captions.VOCABULARY))
    writers = {
        "hdf5": _write_hdf5,
        "flow": _write_flow,
        "lmdb": _write_lmdb,
        "frames": _write_frames,
        "captions": _write_captions,
    }
    for split, count in (("train", train_clips), ("test", test_clips)):
        clips = make_clips(count, seed, split)
        for form in forms:
            writers[form](folder, split, clips, batch_clips)
            folder.step(f"{split} {form}")
    return folder.path


def time_major(frames: np.ndarray, batch_clips: int) -> np.ndarray:
    """Reorder (clips, 16, ...) to rows: in each batch, frame t of clip n at t * batch_clips + n."""
    groups = frames.reshape(-1, batch_clips, *frames.shape[1:])
    return np.ascontiguousarray(groups.swapaxes(1, 2)).reshape(-1, *frames.shape[2:])


def _each_frame(labels: np.ndarray, batch_clips: int) -> np.ndarray:
    return time_major(np.repeat(labels[:, None], FRAMES, 1), batch_clips)


def _rows(data: np.ndarray, labels: np.ndarray, batch_clips: int) -> dict[str, np.ndarray]:
    markers = np.ones((len(labels), FRAMES), np.float32)
    markers[:, 0] = 0
    return {
        "data": time_major(data, batch_clips),
        "label": _each_frame(labels.astype(np.float32), batch_clips),
        "clip_markers": time_major(markers, batch_clips),
    }


def _write_parts(
    folder: Folder,
    name: str,
    clips: Clips,
    batch_clips: int,
    make: Callable[[slice], dict[str, np.ndarray]],
) -> None:
    """Write `name`_0.h5, `name`_1.h5, ..., whole batches each, and the list `name`.txt."""
    size = max(_FILE_CLIPS // batch_clips, 1) * batch_clips
    files: list[str] = []
    for start in range(0, len(clips), size):
        files.append(f"{name}_{len(files)}.h5")
        folder.hdf5(files[-1], partial(make, slice(start, start + size)))
    folder.text(f"{name}.txt", "".join(f"{file}\n" for file in files))


def _write_hdf5(folder: Folder, split: str, clips: Clips, batch_clips: int) -> None:
    ink = ((np.arange(256) - MEAN) / DEVIATION).astype(np.float16)  # its 11 bits lose nothing

    def make(part: slice) -> dict[str, np.ndarray]:
        return _rows(ink[clips.frames[part, :, None]], clips.labels[part], batch_clips)

    _write_parts(folder, split, clips, batch_clips, make)


def _write_flow(folder: Folder, split: str, clips: Clips, batch_clips: int) -> None:
    motion = ((np.arange(256) - CENTRE) / FLOW_SCALE).astype(np.float16)

    def make(part: slice) -> dict[str, np.ndarray]:
        images = encode_flow(clips.flow(part), FLOW_SCALE).transpose(0, 1, 4, 2, 3)
        return _rows(motion[images], clips.labels[part], batch_clips)

    _write_parts(folder, f"{split}_flow", clips, batch_clips, make)


def _write_lmdb(folder: Folder, split: str, clips: Clips, batch_clips: int) -> None:
    frames = time_major(clips.frames, batch_clips)
    labels = _each_frame(clips.labels, batch_clips).tolist()
    rows = zip(frames, labels, strict=True)
    folder.lmdb(f"{split}_lmdb", (datum.encode(frame[None], label) for frame, label in rows))


def _write_frames(folder: Folder, split: str, clips: Clips, batch_clips: int) -> None:
    lines: dict[str, list[str]] = {"videos": [], "frames": [], "flow": []}
    for index, label in enumerate(clips.labels[:_FOLDERS].tolist()):
        name = video_name(clips, split, index)
        video = name.rpartition("/")[2]
        lines["videos"].append(f"{name} {label}\n")
        images = clip_images(video, clips[index], SIZE, SIZE)
        for kind, files in images.items():
            folder.images(f"{kind}/{video}", files)
            listed = lines["flow" if kind == "flow_images" else kind]
            listed += [f"{kind}/{video}/{file} {label}\n" for file in files]
    folder.text(f"{split}_videos.txt", "".join(lines["videos"]))
    folder.text(f"{split}_frames.txt", "".join(lines["frames"]))
    folder.text(f"{split}_flow_frames.txt", "".join(lines["flow"]))


def _write_captions(folder: Folder, split: str, clips: Clips, batch_clips: int) -> None:
    base = f"captions/{split}"
    pictures = clips.frames[:, [0, FRAMES // 2 - 1, FRAMES - 1]].transpose(0, 2, 3, 1)
    images = {f"{index:05d}.png": picture for index, picture in enumerate(pictures)}
    folder.images(f"{base}/images", images)
    lines = "".join(f"{base}/images/{name} 0\n" for name in images)
    folder.text(f"{base}/image_list.with_dummy_labels.txt", lines)
    sentences = [captions.word_ids(caption) for caption in clips.captions]
    streams = partial(captions.streams, sentences, batch_clips)
    folder.hdf5(f"{base}/batches_0.h5", streams)
    folder.text(f"{base}/hdf5_chunk_list.txt", "batches_0.h5\n")
    folder.text(f"{base}/captions.txt", "".join(f"{caption}\n" for caption in clips.captions))
