"""How many clips a second LRCN's clip layer reads from folders of JPEG frames.

    python benchmarks/clip_input.py [--json FILE]

Frames of 240x320 with the detail of camera images, 16 a clip, 24 clips a batch, cropped to 227;
decoding one frame with Pillow alone, in one thread, is given for comparison.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

import numpy as np

from caffe_lite.backend.describe import processor_name
from caffe_lite.data.images import write_image
from caffe_lite.data.resize import resize
from caffe_lite.lrcn.clip_reader import ClipReader, ClipSettings

VIDEOS, LENGTH = 24, 24
ROUNDS = 8


def write_videos(root: Path) -> list[Path]:
    rng = np.random.default_rng(0)
    paths = []
    for v in range(VIDEOS):
        folder = root / f"v{v}"
        folder.mkdir()
        for t in range(LENGTH):
            coarse = resize(rng.integers(0, 256, (30, 40, 3), np.uint8), 240, 320)
            noise = rng.integers(-12, 13, coarse.shape)
            frame = np.clip(coarse + noise, 0, 255).astype(np.uint8)
            paths.append(folder / f"v{v}.{t + 1:04d}.jpg")
            write_image(paths[-1], frame, 75)
    (root / "list.txt").write_text("".join(f"C/v{v} {v}\n" for v in range(VIDEOS)))
    return paths


def measure(root: Path, threads: int) -> float:
    """The shortest time of a batch, in seconds."""
    reader = ClipReader(
        ClipSettings(str(root), str(root / "list.txt"), 24, threads=threads),
        np.random.default_rng(1),
    )
    frames, labels = np.empty(reader.shape, np.uint8), np.empty(reader.shape[0], np.float32)
    times = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        reader.read(frames, labels)
        times.append(time.perf_counter() - begin)
    reader.close()
    return min(times)


def pillow_alone(paths: list[Path]) -> float:
    from PIL import Image

    times = []
    for path in paths:
        begin = time.perf_counter()
        np.asarray(Image.open(path))
        times.append(time.perf_counter() - begin)
    return float(np.median(times))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", help="write the results there")
    args = parser.parse_args()
    cores = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder:
        paths = write_videos(Path(folder))
        size = float(np.mean([path.stat().st_size for path in paths]))
        decode = pillow_alone(paths)
        rows = [
            {"threads": n, "clips_per_s": 24 / measure(Path(folder), n)} for n in sorted({1, cores})
        ]
    print(f"frames of {size / 1e3:.0f} kB; Pillow alone: {1 / (16 * decode):.1f} clips a second")
    for row in rows:
        print(
            f"{row['threads']:3} threads: {row['clips_per_s']:6.1f} clips a second, "
            f"{16 * row['clips_per_s']:.0f} frames"
        )
    if args.json:
        Path(args.json).write_text(
            json.dumps(
                {
                    "processor": processor_name(),
                    "cores": cores,
                    "frame_bytes": size,
                    "pillow_clips_per_s": 1 / (16 * decode),
                    "rows": rows,
                },
                indent=1,
            )
            + "\n"
        )


if __name__ == "__main__":
    main()
