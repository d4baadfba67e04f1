"""Captioning and retrieval with one LSTM layer, with two, and with two factored."""

from pathlib import Path

import numpy as np
from data import frames_as_channels, references, vocabulary
from nets import run_net
from training import PROTOTXT, train

from caffe_lite.datasets.moving_digits import Clips
from caffe_lite.lrcn.captioner import Captioner
from caffe_lite.lrcn.deploy import load_deploy_net
from caffe_lite.lrcn.metrics import evaluate
from caffe_lite.lrcn.retrieval import normalize, retrieve
from caffe_lite.lrcn.vocabulary import END

FORMS = {
    "1layer": "1 layer",
    "unfactored": "2 layers, unfactored",
    "factored": "2 layers, factored",
}
BEAM, LONGEST = 5, 12
QUERIES = 200  # clips in retrieval, at most
SCORES = ("BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "CIDEr")


def load_captioner(definition: str, weights: Path) -> Captioner:
    return Captioner(load_deploy_net(PROTOTXT / definition, weights), vocabulary())


def score_captions(captioner: Captioner, features: np.ndarray, clips: Clips) -> dict[str, float]:
    """BLEU in percent, and CIDEr-D, of the best caption of beam search for each clip."""
    best = [beams[0] for beams in captioner.beam_search(features, BEAM, LONGEST)]
    true = references(clips)
    texts = [captioner.text(caption) for caption in best]
    scores, _ = evaluate(dict(enumerate(texts)), dict(enumerate(true)))
    right = np.mean([text in its for text, its in zip(texts, true, strict=True)])
    return {
        **{name: scores[name] * (1 if name == "CIDEr" else 100) for name in SCORES},
        "right": 100 * float(right),
    }


def distinct(clips: Clips) -> list[int]:
    """The first QUERIES clips whose captions differ from those of all clips before."""
    first: dict[frozenset[str], int] = {}
    for i, true in enumerate(references(clips)):
        first.setdefault(frozenset(true), i)
    return list(first.values())[:QUERIES]


def score_retrieval(
    captioner: Captioner,
    features: np.ndarray,
    clips: Clips,
) -> dict[str, dict[str, float]]:
    """Recall in percent and median ranks, captions for clips and clips for captions."""
    chosen = distinct(clips)
    true = [references(clips)[i] for i in chosen]
    image_of = [row for row, captions in enumerate(true) for _ in captions]
    ids = [[*captioner.vocabulary.encode(text), END] for captions in true for text in captions]
    scores = normalize(captioner.score_matrix(features[chosen], ids))
    found = dict(
        zip(
            ("caption to clip", "clip to caption"),
            reversed(retrieve(scores, image_of)),
            strict=True,
        )
    )
    return {
        way: {
            **{f"R@{cut}": 100 * recall.at(cut) for cut in (1, 5, 10)},
            "median rank": recall.median_rank,
        }
        for way, recall in found.items()
    }


def run(
    folder: Path,
    clips: Clips,
    semantics: Path,
    seed: int,
    share: float,
) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, float]]]:
    """Scores of captions by form, and of retrieval by form and way."""
    written, found = {}, {}
    frames = frames_as_channels(clips)
    for form, title in FORMS.items():
        weights = train(f"captions/solver_{form}.prototxt", folder, seed, share, [semantics])
        made = run_net("captions/features.prototxt", weights, {"frames": frames}, ["fc8"])
        captioner = load_captioner(f"captions/word_to_preds_{form}.prototxt", weights)
        written[title] = score_captions(captioner, made["fc8"], clips)
        for way, scores in score_retrieval(captioner, made["fc8"], clips).items():
            found[f"{title}: {way}"] = scores
        captioner.close()
    return written, found
