"""Many sentences about many images: the shared computation against one sentence at a time."""

import numpy as np
import pytest

from caffe_lite.errors import DataError, ModelError
from caffe_lite.lrcn import decoding, sentence_scorer
from caffe_lite.lrcn.lstm_chain import find_chain
from caffe_lite.lrcn.sentence_tree import build_tree
from tests.lrcn.caption_nets import images, make_captioner

SIZE = 7
RNG = np.random.default_rng(8)
SENTENCES = [RNG.integers(0, SIZE, RNG.integers(1, 7)).tolist() for _ in range(30)]
SENTENCES += [[1], [1, 2], [1, 2, 3], [1, 2, 3], [1, 2, 4, 0], [1, 2, 3, 0], [0]]
CHAINS = ("factored", "unfactored", "single", "both", "convnet")


def plainly(captions, shown):
    """Each sentence of its own, by whole forwards of the net."""
    captions.predictor.encode(shown)
    return np.array(
        [
            [
                decoding.score(captions.predictor, [row], [sentence])[0].log_prob
                for sentence in SENTENCES
            ]
            for row in range(len(shown))
        ]
    )


@pytest.mark.parametrize("form", CHAINS)
def test_scores_are_those_of_the_net(form):
    captions, shown = make_captioner(SIZE, form, batch_size=2), images(5, form)
    chain = find_chain(captions.parts)
    assert len(chain.leading) == {"factored": 1, "convnet": 1}.get(form, 0)
    found = captions.score_matrix(shown, SENTENCES)
    np.testing.assert_allclose(found, plainly(make_captioner(SIZE, form), shown), rtol=1e-10)
    assert np.ptp(found, axis=0).min() > 1e-3  # the images matter


@pytest.mark.parametrize(
    "constants", [{"_CHUNK": 4}, {"_ROWS": 1}, {"_SCORES": 15}, {"_CHUNK": 1, "_SCORES": 1}]
)
def test_chunks_and_blocks_do_not_matter(monkeypatch, constants):
    captions, shown = make_captioner(SIZE), images(4)
    expected = captions.score_matrix(shown, SENTENCES)
    for name, value in constants.items():
        monkeypatch.setattr(sentence_scorer, name, value)
    done = []
    found = make_captioner(SIZE).score_matrix(
        shown, SENTENCES, report=lambda *progress: done.append(progress)
    )
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert done[-1] == (4 * len(SENTENCES),) * 2 and len(done) > 1 or "_SCORES" in constants
    assert done == sorted(done)


def test_layers_without_the_image_run_once_per_beginning(monkeypatch):
    captions = make_captioner(SIZE, batch_size=2)
    rows = []
    step = sentence_scorer.lstm_step
    monkeypatch.setattr(
        sentence_scorer,
        "lstm_step",
        lambda layer, gates, *others: (
            rows.append((layer.name, len(gates))) or step(layer, gates, *others)
        ),
    )
    captions.score_matrix(images(4), SENTENCES)
    nodes = {tuple(each[:t]) for each in SENTENCES for t in range(len(each))}
    assert sum(n for name, n in rows if name == "lstm1") == len(nodes)
    assert sum(n for name, n in rows if name == "lstm2") == 4 * len(nodes)


def test_other_nets_are_scored_by_whole_forwards():
    captions, shown = make_captioner(SIZE, kind="RNN"), images(2)
    assert find_chain(captions.parts) is None
    np.testing.assert_allclose(
        captions.score_matrix(shown, SENTENCES),
        plainly(make_captioner(SIZE, kind="RNN"), shown),
        rtol=1e-10,
    )
    assert find_chain(make_captioner(SIZE, "language").parts) is None


def test_per_word_divides_by_the_length():
    captions, shown = make_captioner(SIZE), images(2)
    whole = captions.score_matrix(shown, SENTENCES)
    lengths = [len(sentence) for sentence in SENTENCES]
    np.testing.assert_allclose(
        captions.score_matrix(shown, SENTENCES, per_word=True), whole / lengths
    )


def test_bad_input_is_reported():
    captions = make_captioner(SIZE)
    with pytest.raises(DataError, match="empty; give it at least one word"):
        captions.score_matrix(images(2), [[1], []])
    with pytest.raises(ModelError, match="probs holds NaN"):
        captions.score_matrix(images(2) * np.nan, [[1]])


def test_a_tree_holds_every_beginning_once():
    sentences = [[3, 1, 2], [3, 1], [3, 4, 2], [5], [3, 1, 2]]
    tree = build_tree(sentences)
    assert [len(level.words) for level in tree.levels] == [1, 1, 2]
    assert [len(level.targets) for level in tree.levels] == [2, 2, 2]
    assert tree.levels[2].words.tolist() == [1, 4]
    assert tree.edges[0] == tree.edges[4] == tree.edges[1] + [tree.edges[0][2]]
    ones = [np.ones((2, len(level.targets))) for level in tree.levels]
    np.testing.assert_array_equal(tree.sum(ones), [[3, 2, 3, 1, 3]] * 2)
