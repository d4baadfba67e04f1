"""Captioner: from images to sentences, and the log-probabilities of given sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from caffe_lite.errors import CaffeError, DataError, ModelError
from caffe_lite.lrcn import decoding
from caffe_lite.lrcn.caption_net import examine
from caffe_lite.lrcn.decoding import Caption, best_first
from caffe_lite.lrcn.deploy import StrPath, load_deploy_net
from caffe_lite.lrcn.lstm_chain import find_chain
from caffe_lite.lrcn.predictor import WordPredictor
from caffe_lite.lrcn.sentence_scorer import Report, SentenceScorer
from caffe_lite.lrcn.sequence_predictor import SequencePredictor
from caffe_lite.lrcn.vocabulary import Vocabulary
from caffe_lite.nets.net import Net

Array = Any
MAX_LENGTH = 50


class Captioner:
    """A caption net with its vocabulary; decodes many images together.

    `net` predicts the next word (see `CaptionNet`): one or two LSTM layers, factored or not, with
    image features, an image, or nothing beside the words. "images" below are an array (n, ...) of
    what its image input takes, None for a language model without one, or for a sequence-to-sequence
    net a list of videos, arrays (frames, ...). Results do not depend on `batch_size`, the number of
    images that go through the net together. Raises ModelError for a net that is not such a
    predictor or whose number of words differs from the vocabulary's.
    """

    def __init__(self, net: Net, vocabulary: Vocabulary, batch_size: int = 64) -> None:
        self.parts = examine(net)
        self.vocabulary = vocabulary
        self.batch_size = batch_size
        kind = SequencePredictor if self.parts.stage else WordPredictor
        self.predictor: WordPredictor = kind(self.parts)
        self._scorer: tuple[Sequence[Sequence[int]], SentenceScorer] | None = None
        taken = self.parts.embed.input_dim
        if {taken, self.parts.size} != {len(vocabulary)}:
            raise ModelError(
                f"{vocabulary.source}: {len(vocabulary.words)} words and <EOS> make "
                f'{len(vocabulary)} ids, but net "{net.name}" takes {taken} (layer '
                f'"{self.parts.embed.name}") and predicts {self.parts.size} ("{self.parts.probs}")'
                "; give the vocabulary that it was trained with"
            )

    @classmethod
    def load(
        cls,
        definition: StrPath,
        weights: StrPath,
        vocabulary: StrPath,
        ops: Any = None,
    ) -> Captioner:
        """A captioner from its three files: deploy prototxt, caffemodel, vocabulary."""
        words = Vocabulary.read(vocabulary)
        return cls(load_deploy_net(definition, weights, ops), words)

    def greedy(self, images: Array | None, max_length: int = MAX_LENGTH) -> list[Caption]:
        """One caption per image, the likeliest word at each step."""
        _require_positive(max_length=max_length)
        return self._each(images, lambda rows, _: decoding.greedy(self.predictor, rows, max_length))

    def beam_search(
        self,
        images: Array | None,
        beam: int = 5,
        max_length: int = MAX_LENGTH,
        per_word: bool = False,
    ) -> list[list[Caption]]:
        """The `beam` best captions per image, the best first; see `decoding.beam_search`."""
        _require_positive(beam=beam, max_length=max_length)
        return self._each(
            images,
            lambda rows, _: decoding.beam_search(self.predictor, rows, beam, max_length, per_word),
        )

    def sample(
        self,
        images: Array | None,
        samples: int = 1,
        temperature: float = 1.0,
        seed: int = 0,
        max_length: int = MAX_LENGTH,
        first_image: int = 0,
        per_word: bool = False,
    ) -> list[list[Caption]]:
        """Draw `samples` captions per image at random, sorted, the likeliest first.

        Repeated draws are kept. Words are drawn with p^(1 / `temperature`); see `decoding.sample`.
        `per_word` sorts by log-probability per word. The draws of an image depend on `seed` and on
        its number, counted from `first_image`, and not on the other images.
        """
        _require_positive(samples=samples, temperature=temperature, max_length=max_length)

        def draw(rows: np.ndarray, first: int) -> list[list[Caption]]:
            uniform = [
                np.random.default_rng((seed, first_image + first + int(row))).random(
                    (samples, max_length)
                )
                for row in rows
            ]
            captions = decoding.sample(
                self.predictor,
                rows.repeat(samples),
                max_length,
                temperature,
                np.concatenate(uniform),
            )
            return [
                best_first(captions[i : i + samples], per_word)
                for i in range(0, len(captions), samples)
            ]

        return self._each(images, draw)

    def score(
        self,
        images: Array | None,
        sentences: Sequence[Sequence[int]],
        about: Sequence[int] | None = None,
    ) -> list[Caption]:
        """The log-probabilities of `sentences` (ids, 0 last to count the end).

        Sentence j is about image `about[j]`; by default about image j.
        """
        given = range(len(sentences)) if about is None and images is not None else about
        image_of = np.zeros(len(sentences), int) if given is None else np.array(given, int)
        count = 1 if images is None else len(images)
        if len(image_of) != len(sentences) or not ((0 <= image_of) & (image_of < count)).all():
            raise CaffeError(
                f"each of the {len(sentences)} sentences to score needs its image, "
                f"one of 0 ... {count - 1}"
            )
        scored: dict[int, Caption] = {}
        for first, rows in self._batches(images):
            mine = np.flatnonzero((first <= image_of) & (image_of < first + len(rows)))
            its = decoding.score(
                self.predictor, image_of[mine] - first, [sentences[j] for j in mine.tolist()]
            )
            scored.update(zip(mine.tolist(), its, strict=True))
        return [scored[j] for j in range(len(sentences))]

    def score_matrix(
        self,
        images: Array,
        sentences: Sequence[Sequence[int]],
        per_word: bool = False,
        report: Report = lambda *_: None,
    ) -> np.ndarray:
        """log P(sentence j | image i), (images, sentences) float64; see `score`.

        `per_word` divides by each sentence's number of ids. `report` is called with the number of
        pairs that are scored, and of all. For a chain of LSTM layers, whatever sentences or images
        share is computed once (see `SentenceScorer`); the sentences' part is kept for the next call
        with the same `sentences` object.
        """
        if not all(len(each) for each in sentences):
            raise DataError("a sentence to score is empty; give it at least one word")
        matrix = np.empty((len(images), len(sentences)))
        scorer = self._scorer_of(sentences)
        for first, rows in self._batches(images):
            if scorer is not None:
                matrix[first : first + len(rows)] = scorer.score(self.predictor.features, report)
                continue
            for row in rows:
                scored = decoding.score(self.predictor, [row] * len(sentences), sentences)
                matrix[first + row] = [each.log_prob for each in scored]
                report((int(row) + 1) * len(sentences), len(rows) * len(sentences))
        return matrix / [len(each) for each in sentences] if per_word else matrix

    def _scorer_of(self, sentences: Sequence[Sequence[int]]) -> SentenceScorer | None:
        """The scorer of the sentences, or None for a net that is no chain of LSTM layers."""
        if self._scorer is None or self._scorer[0] is not sentences:
            chain = find_chain(self.parts) if self.parts.stage is None and sentences else None
            if chain is None:
                return None
            source = f'net "{self.parts.net.name}": {self.parts.probs}'
            self._scorer = (
                sentences,
                SentenceScorer(chain, self.predictor.ops, source, sentences),
            )
        return self._scorer[1]

    def text(self, caption: Caption) -> str:
        """The caption's words."""
        return self.vocabulary.sentence(caption.ids)

    def close(self) -> None:
        self.parts.net.close()

    def _batches(self, images: Array | None) -> Iterator[tuple[int, np.ndarray]]:
        """Encode the images batch by batch: the number of the first, and rows to refer to them."""
        if images is None:
            yield 0, np.arange(self.predictor.encode(None))
            return
        for first in range(0, len(images), self.batch_size):
            yield first, np.arange(self.predictor.encode(images[first : first + self.batch_size]))

    def _each(
        self,
        images: Array | None,
        decode: Callable[[np.ndarray, int], list[Any]],
    ) -> list[Any]:
        return [result for first, rows in self._batches(images) for result in decode(rows, first)]


def _require_positive(**options: float) -> None:
    for name, value in options.items():
        if not value > 0:
            raise CaffeError(f"{name} must be positive, got {value}")
