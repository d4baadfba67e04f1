"""Captions of the ordered digits: three captioners, retrieval, and three nets that describe."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from order_activity import FUSIONS, MODALITIES, Split, predict, stages_of
from order_nets import Trainer, open_net, run

from caffe_lite.data.caption_streams import END, aligned
from caffe_lite.data.hdf5_writer import RowWriter
from caffe_lite.datasets.captions import word_ids
from caffe_lite.datasets.ordered_digits import VOCABULARY, OrderedClips
from caffe_lite.datasets.ordered_motions import ACTIVITIES, MOTIONS, motions_of
from caffe_lite.lrcn.activity import fuse
from caffe_lite.lrcn.captioner import Captioner
from caffe_lite.lrcn.metrics import evaluate
from caffe_lite.lrcn.retrieval import normalize, retrieve
from caffe_lite.lrcn.vocabulary import Vocabulary

STEPS, TOGETHER = 9, 50  # of prototxt/ordered_digits/sentences.prototxt
BEAM, LONGEST = 5, 10
CAPTIONERS = {
    "1layer": ("1-layer", "1 layer"),
    "unfactored": ("unfactored", "2 layers, unfactored"),
    "factored": ("factored", "2 layers, factored"),
}
DESCRIBERS = {
    "encoder": ("encoder", "LSTM encoder and decoder, labels"),
    "max": ("max", "LSTM decoder, labels"),
    "prob": ("prob", "LSTM decoder, probabilities"),
}
SCORES = ("BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "CIDEr")
Scores = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Seen:
    """What the trained activity and digit nets say of clips.

    `features` (n, 266): the mean over time of the digit net's scores and of LRCN's LSTM outputs,
    for the captioners. `prob` (n, 22): probabilities of digit, first and second motion, and `max`
    their largest as 1, for the describers.
    """

    features: np.ndarray
    prob: np.ndarray
    max: np.ndarray

    def tuples(self) -> np.ndarray:
        """The likeliest digit, first and second motion, numbered from 0 to 21: (3, n)."""
        return np.nonzero(self.max)[1].reshape(-1, 3).T


def look(trainer: Trainer, clips: Split) -> Seen:
    """Apply the trained nets to clips; LRCN is fused as the paper does best, 1/3 and 2/3."""

    def mean(name: str, blob: str) -> np.ndarray:
        stages = stages_of(name)
        return predict(trainer.weights(name), stages, clips.images[stages[0]], blob).mean(1)

    features = [mean("digit", "scores"), *(mean(f"lstm_{each}", "lstm1") for each in MODALITIES)]
    rgb, flow = (mean(f"lstm_{each}", "probs") for each in MODALITIES)
    activity = fuse(rgb, flow, FUSIONS["1/3 RGB + 2/3 flow"])
    order = motions_of(np.arange(len(ACTIVITIES)))
    motions = [activity @ np.eye(len(MOTIONS))[order[:, which]] for which in (0, 1)]
    roles = [mean("digit", "probs"), *motions]
    largest = [np.eye(each.shape[1])[each.argmax(1)] for each in roles]
    return Seen(*(np.concatenate(each, axis=1) for each in (features, roles, largest)))


def write(folder: Path, seen: Seen, clips: OrderedClips) -> None:
    """Write what sentences.prototxt reads: sentences_words, sentences_seen, sentences_tuples."""
    words = [word_ids(caption, VOCABULARY) for caption in clips.captions]
    tuples = seen.tuples().reshape(3, -1, TOGETHER).swapaxes(0, 1).reshape(-1, TOGETHER)
    cont = np.ones_like(tuples)
    cont[::3] = 0
    for name, rows in {
        "words": aligned(words, TOGETHER, STEPS, padding=END),
        "seen": {"features": seen.features, "max": seen.max, "prob": seen.prob},
        "tuples": {"input_tuple": tuples, "cont_tuple": cont},
    }.items():
        writer = RowWriter(folder / f"sentences_{name}.h5")
        writer.append(**{key: np.asarray(values, np.float32) for key, values in rows.items()})
        writer.close()
        (folder / f"sentences_{name}.txt").write_text(f"sentences_{name}.h5\n")


def train_all(trainer: Trainer, seen: Seen, clips: OrderedClips) -> None:
    """Train all nets that write; `seen` and `clips` are the validation clips'."""
    for name in (*CAPTIONERS, *DESCRIBERS):

        def judge(path: Path, name: str = name) -> float:
            texts = captions(name, path, seen, beam=1)
            return (
                100
                * evaluate(dict(enumerate(texts)), dict(enumerate(clips.references)))[0]["BLEU-4"]
            )

        trainer.train(name, judge)


def captioner(name: str, weights: Path) -> Captioner:
    stage = {**CAPTIONERS, **DESCRIBERS}[name][0]
    return Captioner(open_net("sentences", weights, [stage]), Vocabulary(VOCABULARY))


def inputs(name: str, weights: Path, seen: Seen) -> np.ndarray:
    """What the words of net `name` depend on, a row per clip."""
    if name in CAPTIONERS:
        return seen.features
    if name != "encoder":
        return seen.max if name == "max" else seen.prob
    labels = seen.tuples()
    cont = np.ones_like(labels)
    cont[0] = 0
    with open_net("sentences", weights, ["encode"]) as net:
        return run(net, {"input_tuple": labels, "cont_tuple": cont}, "encoding")


def captions(name: str, weights: Path, seen: Seen, beam: int = BEAM) -> list[str]:
    """The best caption of each clip."""
    writer = captioner(name, weights)
    try:
        found = writer.beam_search(inputs(name, weights, seen), beam, LONGEST)
        return [writer.text(beams[0]) for beams in found]
    finally:
        writer.close()


def scores(name: str, weights: Path, seen: Seen, clips: OrderedClips) -> dict[str, float]:
    """BLEU in percent, CIDEr-D, and "right": the share of captions that are a clip's true ones."""
    texts = captions(name, weights, seen)
    found, _ = evaluate(dict(enumerate(texts)), dict(enumerate(clips.references)))
    right = np.mean([text in true for text, true in zip(texts, clips.references, strict=True)])
    percent = {each: found[each] * (1 if each == "CIDEr" else 100) for each in SCORES}
    return {**percent, "right": 100 * float(right)}


def retrieval(name: str, weights: Path, seen: Seen, clips: OrderedClips) -> dict[str, float]:
    """Recall in percent among clips of which no two have the same captions, both ways."""
    first = {true: row for row, true in reversed(list(enumerate(clips.references)))}
    rows = sorted(first.values())
    image_of = np.repeat(np.arange(len(rows)), 2)
    ids = [[*word_ids(text, VOCABULARY), END] for row in rows for text in clips.references[row]]
    writer = captioner(name, weights)
    try:
        matrix = writer.score_matrix(inputs(name, weights, seen)[rows], ids)
    finally:
        writer.close()
    of_captions, of_clips = retrieve(normalize(matrix), image_of)
    return {
        f"{way}: R@{cut}": 100 * recall.at(cut)
        for way, recall in (("caption to clip", of_clips), ("clip to caption", of_captions))
        for cut in (1, 5)
    }


def tables(trainer: Trainer, seen: Seen, clips: OrderedClips) -> dict[str, Scores]:
    """Scores of captions, of retrieval and of descriptions, by net."""
    table: dict[str, Scores] = {"captions": {}, "retrieval": {}, "description": {}}
    for name, (_, title) in CAPTIONERS.items():
        weights = trainer.weights(name)
        table["captions"][title] = scores(name, weights, seen, clips)
        table["retrieval"][title] = retrieval(name, weights, seen, clips)
    for name, (_, title) in DESCRIBERS.items():
        table["description"][title] = scores(name, trainer.weights(name), seen, clips)
    return table
