"""Small nets for sequences: sequence to sequence, a regularized RNN, and a curriculum.

    python benchmarks/lrcn/sequences.py [--work DIR]

Writes the data of prototxt/lrcn/sequences, trains each net by its solver and prints its accuracy on
sequences that were not trained on.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from training import PROTOTXT, train

from caffe_lite.backend import get_ops
from caffe_lite.data.caption_streams import PADDING, unaligned
from caffe_lite.data.hdf5_writer import RowWriter
from caffe_lite.datasets.captions import word_ids
from caffe_lite.datasets.moving_digits import make_clips
from caffe_lite.nets.net import Net
from caffe_lite.proto import schema
from caffe_lite.proto.load import load_net

STREAMS = 50
KINDS, FRAMES = 8, 3
PLUS, EQUALS = 11, 12  # ids of characters; those of the digits are 1 to 10


def write(folder: Path, name: str, **streams: np.ndarray) -> None:
    """`name`.h5 and its list."""
    folder.mkdir(parents=True, exist_ok=True)
    writer = RowWriter(folder / f"{name}.h5")
    writer.append(**{key: np.asarray(values, np.float32) for key, values in streams.items()})
    writer.close()
    (folder / f"{name}.txt").write_text(f"{name}.h5\n")


def shown_and_named(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Videos (count, 3, 8), noisy one-hot frames, and the words (count, 3) that name them."""
    kinds = rng.integers(KINDS, size=(count, FRAMES))
    return np.eye(KINDS)[kinds] + rng.normal(0, 0.2, (count, FRAMES, KINDS)), kinds + 1


def s2vt_streams(count: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Streams (count / 50 * 7, 50, ...) of frames, then words."""
    videos, words = shown_and_named(count, rng)
    steps = 2 * FRAMES + 1
    frames = np.zeros((count, steps, KINDS))
    frames[:, :FRAMES] = videos
    inputs, targets = np.zeros((count, steps)), np.full((count, steps), PADDING)
    inputs[:, FRAMES + 1 :] = words
    targets[:, FRAMES:-1], targets[:, -1] = words, 0
    cont, stage = np.ones((count, steps)), np.zeros((count, steps))
    cont[:, 0], stage[:, FRAMES:] = 0, 1
    streams = {
        "frames": frames,
        "cont_sentence": cont,
        "input_sentence": inputs,
        "stage_indicator": stage,
        "target_sentence": targets,
    }
    return {name: _in_streams(values) for name, values in streams.items()}


def _in_streams(values: np.ndarray) -> np.ndarray:
    """(n, T, ...) to (n / 50 * T, 50, ...): batches of T rows hold 50 sequences."""
    batches = values.reshape(-1, STREAMS, *values.shape[1:])
    return np.swapaxes(batches, 1, 2).reshape(-1, STREAMS, *values.shape[2:])


def sum_streams(pairs: Sequence[tuple[int, int]]) -> dict[str, np.ndarray]:
    """Streams of sums a + b of digits: the characters, and their results as targets."""
    steps = 7
    inputs, targets = np.zeros((len(pairs), steps)), np.full((len(pairs), steps), PADDING)
    for n, (a, b) in enumerate(pairs):
        result = [int(digit) + 1 for digit in str(a + b)]
        read = [a + 1, PLUS, b + 1, EQUALS, *result]
        inputs[n, : len(read)] = read
        targets[n, 3 : 3 + len(result) + 1] = [*result, 0]
    cont = np.ones((len(pairs), steps))
    cont[:, 0] = 0
    streams = {"cont_sentence": cont, "input_sentence": inputs, "target_sentence": targets}
    return {name: _in_streams(values) for name, values in streams.items()}


def draw_sums(count: int, most: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Pairs of digits from 0 to `most`."""
    return [(int(a), int(b)) for a, b in rng.integers(most + 1, size=(count, 2))]


def make(folder: Path, seed: int = 1) -> None:
    """Write the data of all nets."""
    rng = np.random.default_rng(seed)
    for split, count in (("train", 5000), ("test", 500)):
        write(folder, f"s2vt_{split}", **s2vt_streams(count, rng))
        clips = make_clips(600 if split == "train" else 200, seed, split)
        sentences = [word_ids(caption) for caption in clips.captions]
        streams = unaligned(sentences, STREAMS)
        streams["input_sentence"] = np.maximum(streams["input_sentence"], 0)
        rows = len(streams["cont_sentence"]) // 10 * 10
        write(folder, f"language_{split}", **{k: v[:rows] for k, v in streams.items()})
    easy = draw_sums(2500, 4, rng)
    mixed = easy[:1000] + draw_sums(4000, 9, rng)
    mixed = [mixed[i] for i in rng.permutation(len(mixed))]
    for name, pairs in (
        ("easy", easy),
        ("mixed", mixed),
        ("test", draw_sums(500, 9, rng)),
    ):
        write(folder, f"execute_{name}", **sum_streams(pairs))


def accuracy(net: str, weights: Path, folder: Path, batches: int = 10) -> float:
    """How many words of the test data the net predicts, in percent."""
    param = load_net(PROTOTXT / f"sequences/{net}.prototxt")
    for layer in param.layer:
        if layer.type == "HDF5Data":
            data = layer.hdf5_data_param
            data.source = data.source.replace("data/lrcn/", f"{folder}/")
    with Net(param, schema.TEST, get_ops()) as built:
        built.copy_trained_layers_from(weights)
        found = []
        for _ in range(batches):
            built.forward()
            found.append(float(built.ops.to_host(built.blobs["accuracy"].data)))
    return 100 * float(np.mean(found))


def train_all(folder: Path, seed: int = 1) -> dict[str, float]:
    """Train each net; accuracies in percent, for sums also after the first stage alone."""
    s2vt = train("sequences/s2vt_solver.prototxt", folder, seed)
    language = train("sequences/regularized_solver.prototxt", folder, seed)
    easy = train("sequences/execute_easy_solver.prototxt", folder, seed)
    found = {
        "s2vt": accuracy("s2vt", s2vt, folder),
        "regularized": accuracy("regularized", language, folder, 3),
        "execute, easy alone": accuracy("execute", easy, folder),
    }
    mixed = train("sequences/execute_mixed_solver.prototxt", folder, seed, weights=[easy])
    found["execute, curriculum"] = accuracy("execute", mixed, folder)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=Path("data/lrcn"), metavar="DIR")
    args = parser.parse_args()
    make(args.work)
    for name, percent in train_all(args.work).items():
        print(f"{name}: {percent:.1f} %")


if __name__ == "__main__":
    main()
