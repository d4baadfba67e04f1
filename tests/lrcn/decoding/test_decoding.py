"""Greedy, beam search, sampling and scores against exhaustive and step-by-step computation."""

from itertools import product

import numpy as np
import pytest

from caffe_lite.errors import CaffeError, ModelError
from caffe_lite.lrcn.decoding import Caption
from tests.lrcn.caption_nets import images, make_captioner, make_net, step_by_step

FORMS = ("factored", "unfactored", "single", "both", "convnet")


def all_sentences(size, max_length):
    """Every sentence that decoding may return: ended by 0, or cut at `max_length` ids."""
    for length in range(max_length):
        for words in product(range(1, size), repeat=length):
            yield (*words, 0)
    yield from product(range(1, size), repeat=max_length)


def log_probs(net, image, ids):
    rows = step_by_step(net, image, ids[:-1])
    return [float(row[word]) for row, word in zip(rows, ids, strict=True)]


def exhaustive(net, image, size, max_length):
    """All sentences about one image with their log-probabilities, the likeliest first."""
    scored = {ids: sum(log_probs(net, image, ids)) for ids in all_sentences(size, max_length)}
    return sorted(scored.items(), key=lambda pair: -pair[1])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["LSTM", "RNN"])
def test_a_wide_beam_finds_what_an_exhaustive_search_finds(form, kind):
    size, max_length, count = 3, 4, 2
    captions = make_captioner(size, form, kind=kind)
    net = make_net(size, form, kind=kind)
    shown = images(count, form)
    found = captions.beam_search(shown, beam=200, max_length=max_length)
    for image, mine in zip(shown, found, strict=True):
        expected = exhaustive(net, image, size, max_length)
        assert len(mine) == len(expected) == 1 + 2 + 4 + 8 + 16
        assert [caption.ids for caption in mine] == [ids for ids, _ in expected]
        assert [c.log_prob for c in mine] == pytest.approx([score for _, score in expected])
    orders = [[caption.ids for caption in mine] for mine in found]
    assert orders[0] != orders[1]  # the images do tell


def test_per_word_ranks_by_the_mean():
    captions, net, shown = make_captioner(3), make_net(3), images(2)
    found = captions.beam_search(shown, beam=200, max_length=4, per_word=True)
    differs = False
    for image, mine in zip(shown, found, strict=True):
        scored = exhaustive(net, image, 3, 4)
        best = sorted(scored, key=lambda pair: -pair[1] / len(pair[0]))
        assert [caption.ids for caption in mine] == [ids for ids, _ in best]
        differs |= best != scored
    assert differs


def beam_by_hand(net, image, beam, max_length):
    """Beam search of one image without batches or carried states: every prefix is run anew."""
    beams = [((), 0.0)]
    while any(not ids or (ids[-1] != 0 and len(ids) < max_length) for ids, _ in beams):
        extended = []
        for ids, score in beams:
            if ids and (ids[-1] == 0 or len(ids) == max_length):
                extended.append((ids, score))
                continue
            row = step_by_step(net, image, ids)[-1]
            extended += [((*ids, word), score + row[word]) for word in range(len(row))]
        beams = sorted(extended, key=lambda pair: -pair[1])[:beam]
    return beams


@pytest.mark.parametrize("form", ["factored", "unfactored", "convnet"])
@pytest.mark.parametrize("beam", [2, 3, 5])
def test_a_narrow_beam_keeps_and_reorders_states(form, beam):
    size, max_length = 6, 6
    captions = make_captioner(size, form, seed=3)
    net = make_net(size, form, seed=3)
    shown = images(5, form, seed=4)
    found = captions.beam_search(shown, beam, max_length)
    for image, mine in zip(shown, found, strict=True):
        expected = beam_by_hand(net, image, beam, max_length)
        assert [caption.ids for caption in mine] == [ids for ids, _ in expected]
        assert [c.log_prob for c in mine] == pytest.approx([score for _, score in expected])


@pytest.mark.parametrize("form", FORMS)
def test_greedy_takes_the_likeliest_word_and_is_a_beam_of_one(form):
    captions, net = make_captioner(7, form, seed=8), make_net(7, form, seed=8)
    shown = images(9, form, seed=3)
    found = captions.greedy(shown, max_length=8)
    for image, mine in zip(shown, found, strict=True):
        ids = []
        while len(ids) < 8 and 0 not in ids:
            ids.append(int(step_by_step(net, image, ids)[-1].argmax()))
        assert mine.ids == tuple(ids)
        assert mine.log_probs == pytest.approx(log_probs(net, image, ids))
    beams = captions.beam_search(shown, beam=1, max_length=8)
    assert [[caption.ids for caption in its] for its in beams] == [[each.ids] for each in found]
    assert len({len(each.ids) for each in found}) > 1


def test_batches_give_what_one_by_one_gives():
    shown = images(7)
    together = make_captioner(6, seed=2)
    in_threes = make_captioner(6, seed=2, batch_size=3)
    for decode in (
        lambda c, x: c.beam_search(x, beam=3, max_length=7),
        lambda c, x: c.sample(x, samples=2, seed=11, max_length=7),
        lambda c, x: [[each] for each in c.greedy(x, max_length=7)],
    ):
        whole, threes = decode(together, shown), decode(in_threes, shown)
        assert [[c.ids for c in its] for its in whole] == [[c.ids for c in its] for its in threes]
    alone = [together.beam_search(image[None], beam=3, max_length=7)[0] for image in shown]
    whole = together.beam_search(shown, beam=3, max_length=7)
    assert [[c.ids for c in its] for its in whole] == [[c.ids for c in its] for its in alone]
    for mine, its in zip(whole, alone, strict=True):
        assert [c.log_prob for c in mine] == pytest.approx([c.log_prob for c in its])


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_words_are_sampled_with_the_tempered_probabilities(temperature):
    captions, net, shown = make_captioner(4), make_net(4), images(1)
    count = 6000
    (drawn,) = captions.sample(shown, count, temperature, seed=7, max_length=2)
    first = step_by_step(net, shown[0], [])[0]
    tempered = np.exp(first / temperature)
    tempered /= tempered.sum()
    frequency = np.bincount([c.ids[0] for c in drawn], minlength=4) / count
    assert frequency == pytest.approx(tempered, abs=4 * np.sqrt(0.25 / count))
    second = step_by_step(net, shown[0], [2])[1]
    tempered = np.exp(second / temperature)
    after = [c.ids[1] for c in drawn if c.ids[0] == 2]
    frequency = np.bincount(after, minlength=4) / len(after)
    assert frequency == pytest.approx(tempered / tempered.sum(), abs=4 * np.sqrt(0.25 / len(after)))
    for caption in drawn[:5]:
        assert caption.log_probs == pytest.approx(log_probs(net, shown[0], caption.ids))


def test_seeds_decide_samples_and_a_low_temperature_is_greedy():
    captions, shown = make_captioner(6, seed=8), images(4)
    ids = [
        [[c.ids for c in its] for its in captions.sample(shown, 3, seed=seed, max_length=6)]
        for seed in (1, 1, 2)
    ]
    assert ids[0] == ids[1] != ids[2]
    cold = captions.sample(shown, 1, temperature=1e-9, max_length=6)
    assert [its[0].ids for its in cold] == [c.ids for c in captions.greedy(shown, max_length=6)]


@pytest.mark.parametrize("form", FORMS)
def test_scores_of_sentences_are_those_of_single_steps(form):
    captions, net, shown = make_captioner(6, form), make_net(6, form), images(4, form)
    sentences = [[3, 1, 4, 1, 5, 0], [2, 0], [5, 5, 1], [1]]
    about = [2, 0, 3, 0]
    scored = captions.score(shown, sentences, about)
    for caption, sentence, image in zip(scored, sentences, about, strict=True):
        expected = log_probs(net, shown[image], sentence)
        assert caption.ids == tuple(sentence)
        assert caption.log_probs == pytest.approx(expected)
        assert caption.log_prob_per_word == pytest.approx(np.mean(expected))
    assert captions.score(shown, sentences)[1].log_probs == pytest.approx(
        log_probs(net, shown[1], sentences[1])
    )
    matrix = captions.score_matrix(shown, sentences)
    per_word = captions.score_matrix(shown, sentences, per_word=True)
    for i, j in product(range(4), range(4)):
        expected = log_probs(net, shown[i], sentences[j])
        assert matrix[i, j] == pytest.approx(sum(expected))
        assert per_word[i, j] == pytest.approx(np.mean(expected))


def test_scoring_in_small_batches_gives_the_same(monkeypatch):
    from caffe_lite.lrcn.decoding import scoring

    captions = make_captioner(6)
    sentences = [[1, 2, 3, 0], [4, 0], [5], [2, 2, 2, 2, 2, 0], [1, 0]]
    captions.predictor.encode(images(5))
    whole = scoring.score(captions.predictor, range(5), sentences)
    for values in (1, 30, 80):
        parts = scoring.score(captions.predictor, range(5), sentences, batch_values=values)
        assert [c.ids for c in parts] == [c.ids for c in whole]
        for mine, its in zip(parts, whole, strict=True):
            assert mine.log_probs == pytest.approx(its.log_probs)


def test_sixteen_steps_at_once_are_sixteen_single_steps_with_cont():
    net, rng = make_net(6), np.random.default_rng(2)
    shape, shown = (16, 3), images(3)
    words = rng.integers(0, 6, shape)
    cont = (rng.random(shape) < 0.8).astype(float)
    cont[0] = 0

    def run(words, cont):
        for name, value in (
            ("input_sentence", words),
            ("cont_sentence", cont),
            ("image_features", shown),
        ):
            net.blobs[name].reshape(value.shape)
            net.blobs[name].data[...] = value
        net.forward()
        return net.blobs["probs"].data.copy()

    whole = run(words, cont)
    steps = np.concatenate([run(words[t : t + 1], cont[t : t + 1]) for t in range(16)])
    np.testing.assert_allclose(steps, whole, rtol=1e-12)
    assert 0 < cont[1:].mean() < 1
    assert abs(run(words, np.ones(shape)) - whole).max() > 1e-3


def test_a_language_model_needs_no_image():
    captions, net = make_captioner(4, "language"), make_net(4, "language")
    (found,) = captions.beam_search(None, beam=200, max_length=3)
    assert [c.ids for c in found] == [ids for ids, _ in exhaustive(net, None, 4, 3)]
    assert len(captions.sample(None, samples=5, max_length=3)[0]) == 5
    sentences = [[3, 0], [1, 2, 0]]
    for caption, ids in zip(captions.score(None, sentences), sentences, strict=True):
        assert caption.log_probs == pytest.approx(log_probs(net, None, ids))
    with pytest.raises(ModelError, match="takes no images"):
        captions.greedy(images(1))


def test_a_caption_tells_whether_it_ends():
    assert Caption((3, 0), (-1.0, -0.5)).is_complete
    assert not Caption((3, 2), (-1.0, -0.5)).is_complete
    assert Caption((3, 0), (-1.0, -0.5)).log_prob == -1.5


def test_uninformative_probabilities_give_the_first_words():
    captions = make_captioner(5)
    for blob in captions.parts.net.learnable_params:
        blob.data[...] = 0
    (caption,) = captions.greedy(images(1))
    assert caption.ids == (0,)
    (found,) = captions.beam_search(images(1), beam=3, max_length=1)
    assert [c.ids for c in found] == [(0,), (1,), (2,)]


def test_bad_requests_are_told():
    captions, shown = make_captioner(5), images(2)
    with pytest.raises(CaffeError, match="beam must be positive, got 0"):
        captions.beam_search(shown, beam=0)
    with pytest.raises(CaffeError, match="temperature must be positive, got 0"):
        captions.sample(shown, temperature=0)
    with pytest.raises(CaffeError, match="max_length must be positive, got -1"):
        captions.greedy(shown, max_length=-1)
    with pytest.raises(ModelError, match=r"takes image_features of shape \(n, 3\), got \(2, 4\)"):
        captions.greedy(np.zeros((2, 4)))
    with pytest.raises(ModelError, match="needs images in its input image_features"):
        captions.greedy(None)
    with pytest.raises(CaffeError, match="sentence 1 to score is empty"):
        captions.score(shown, [[1, 0], []])
    with pytest.raises(CaffeError, match="needs its image, one of 0 ... 1"):
        captions.score(shown, [[1], [2]], about=[0, 2])


def test_nan_is_told_and_does_not_outlive_its_image():
    captions, shown = make_captioner(5), images(2)
    before = captions.greedy(shown, max_length=4), captions.score(shown, [[1, 0], [2, 0]])
    for again in (
        lambda: captions.greedy(shown, max_length=4),
        lambda: captions.score(shown, [[1, 0], [2, 0]]),
    ):
        with pytest.raises(ModelError, match="probs holds NaN"):
            captions.greedy(shown * np.nan)
        assert again() in before
