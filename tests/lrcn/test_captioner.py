"""A captioner from its files, and nets that are none."""

import numpy as np
import pytest

from caffe_lite.errors import LayerError, ModelError
from caffe_lite.lrcn.caption_net import examine
from caffe_lite.lrcn.captioner import Captioner
from caffe_lite.lrcn.vocabulary import Vocabulary
from caffe_lite.weights import write_caffemodel
from tests.lrcn.caption_nets import build, definition, images, make_captioner, make_net


@pytest.fixture
def files(tmp_path):
    """A deploy definition, its weights and its vocabulary."""
    (tmp_path / "deploy.prototxt").write_text(definition(6))
    write_caffemodel(make_net(6, seed=4), tmp_path / "net.caffemodel")
    Vocabulary(["<unk>", "a", "dog", "runs", "fast"]).write(tmp_path / "vocabulary.txt")
    return tmp_path


def load(folder, **names):
    paths = {
        "definition": "deploy.prototxt",
        "weights": "net.caffemodel",
        "vocabulary": "vocabulary.txt",
        **names,
    }
    return Captioner.load(**{key: folder / name for key, name in paths.items()})


def test_files_make_the_captioner_that_the_net_makes(files):
    mine = load(files)
    expected = make_captioner(6, seed=4)
    shown = images(4)
    captions = mine.greedy(shown, max_length=6)
    assert [c.ids for c in captions] == [c.ids for c in expected.greedy(shown, max_length=6)]
    words = mine.vocabulary.decode(captions[0].ids)
    assert mine.text(captions[0]) == " ".join(words)
    mine.close()


def test_parts_are_found_by_type_not_by_name():
    renamed = definition(6).replace("cont_sentence", "go").replace("input_sentence", "w")
    renamed = renamed.replace("image_features", "fc7").replace('top: "probs"', 'top: "out"')
    parts = examine(build(renamed))
    assert (parts.words, parts.cont, parts.image, parts.probs) == ("w", "go", "fc7", "out")
    assert (parts.size, parts.features) == (6, ["fc7"])
    assert [layer.name for layer in parts.recurrent] == ["lstm1", "lstm2"]


def test_the_image_half_of_a_net_is_apart():
    net = make_net(5, "convnet")
    parts = examine(net)
    names = net.layer_names
    ran = [names[i] for start, end in parts.image_layers for i in range(start, end + 1)]
    assert ran == ["conv", "relu", "fc"]
    ran = [names[i] for start, end in parts.word_layers for i in range(start, end + 1)]
    assert [n for n in ran if "split" not in n] == [
        "embedding",
        "lstm1",
        "lstm2",
        "predict",
        "probs",
    ]


def test_images_run_once_and_a_step_is_one_forward_of_one_word(monkeypatch):
    captions = make_captioner(6, "convnet", seed=3)
    counts = {}
    for layer in captions.parts.net.layers:
        forward = layer.forward

        def counted(bottom, top, name=layer.name, forward=forward):
            counts.setdefault(name, []).append(bottom[0].shape)
            forward(bottom, top)

        layer.forward = counted
    conts = []
    blob = captions.parts.net.blobs["cont_sentence"]
    last = captions.parts.scoring_layers[-1][1]
    captions.parts.net.after_forward.append(
        lambda i: conts.append(blob.data.ravel().tolist()) if i == last else None
    )
    found = captions.beam_search(images(4, "convnet"), beam=3, max_length=5)
    assert len(counts["conv"]) == 1
    assert len(counts["lstm1"]) == max(len(c.ids) for its in found for c in its)
    assert all(shape[0] == 1 and shape[1] <= 12 for shape in counts["lstm1"])
    assert conts[0] == [0] * 4
    assert len(conts) > 2 and all(set(each) == {1} for each in conts[1:])


@pytest.mark.parametrize("words", [3, 6])
def test_a_vocabulary_of_another_size_is_told(files, words):
    Vocabulary([f"w{i}" for i in range(words)]).write(files / "other.txt")
    with pytest.raises(
        ModelError,
        match=f"other.txt: {words} words and <EOS> make {words + 1} ids,"
        ' but net "captions" takes 6 .*predicts 6',
    ):
        load(files, vocabulary="other.txt")


def test_weights_of_another_net_are_told(files):
    write_caffemodel(make_net(7), files / "larger.caffemodel")
    with pytest.raises(ModelError, match='larger.caffemodel: layer "embedding" .* blob 0 is 7 x 4'):
        load(files, weights="larger.caffemodel")
    write_caffemodel(make_net(6, "language"), files / "language.caffemodel")
    with pytest.raises(
        ModelError,
        match='language.caffemodel: no weights for layer "lstm2" of .*'
        r"deploy.prototxt \(it holds embedding, lstm1",
    ):
        load(files, weights="language.caffemodel")


NOT_OVER_WORDS = """
input: "cont_sentence" input_shape { dim: 1 dim: 5 }
input: "x" input_shape { dim: 1 dim: 5 dim: 2 }
layer { name: "lstm" type: "LSTM" bottom: "x" bottom: "cont_sentence" top: "lstm"
        recurrent_param { num_output: 6 } }
layer { name: "probs" type: "Softmax" bottom: "lstm" top: "probs" softmax_param { axis: 2 } }
"""


def test_a_net_that_reads_no_words_is_told():
    with pytest.raises(
        ModelError, match="through one Embed layer and has LSTM or RNN layers, this one has 0 and 1"
    ):
        examine(build(NOT_OVER_WORDS))


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("axis: 2", "axis: 1", r"probs must have shape \(T, N, vocabulary size\), got \(1, 6\)"),
        ('type: "Softmax"', 'type: "Sigmoid"', "needs one Softmax layer, .*this one has 0"),
        (
            '"lstm1" bottom: "cont_sentence"',
            '"lstm1" bottom: "input_sentence"',
            "one blob of sequence indicators must be inputs of the net",
        ),
    ],
)
def test_a_net_that_predicts_no_words_is_told(old, new, message):
    changed = definition(6).replace(old, new)
    assert changed != definition(6)
    with pytest.raises(ModelError, match=message):
        examine(build(changed.replace("softmax_param { axis: 2 }", "")))


def test_exposed_states_are_told():
    exposed = 'input: "h0" input_shape { dim: 1 dim: 5 dim: 6 }' + definition(
        6, "single", "RNN"
    ).replace('top: "lstm1"', 'bottom: "h0" top: "lstm1" top: "h"').replace(
        "num_output: 6 }", "num_output: 6 expose_hidden: true }"
    )
    with pytest.raises(LayerError, match="expose_hidden: true is not supported in a caption net"):
        examine(build(exposed))


def test_the_images_may_change_in_number_from_call_to_call():
    captions, shown = make_captioner(6, "convnet", seed=2), images(9, "convnet")
    whole = [c.ids for c in captions.greedy(shown, max_length=6)]
    for first, last in ((0, 3), (3, 4), (4, 9), (0, 9), (8, 9)):
        part = captions.greedy(shown[first:last], max_length=6)
        assert [c.ids for c in part] == whole[first:last]
        captions.score(shown[first:last], [[1, 2, 0]] * (last - first))


def test_single_precision_is_close():
    shown, sentences = images(3), [[1, 2, 0], [3, 0], [5, 4, 3, 2, 1, 0]]
    exact = [c.log_prob for c in make_captioner(6).score(shown, sentences)]
    single = [c.log_prob for c in make_captioner(6, dtype="float32").score(shown, sentences)]
    np.testing.assert_allclose(single, exact, rtol=1e-5)


def test_a_net_that_takes_pixels_averages_its_features_over_crops():
    captions = make_captioner(6, "convnet")
    crops = images(12, "convnet").reshape(3, 4, 2, 4, 3)
    found = captions.score(crops, [[1, 2, 0]] * 3)
    net = captions.parts.net
    flat = make_captioner(6, "convnet")
    flat.predictor.encode(crops.reshape(12, 2, 4, 3))
    features = flat.predictor.features["image_features"].reshape(3, 4, 3).mean(axis=1)
    other = make_captioner(6)
    for name in ("embedding", "lstm1", "lstm2", "predict"):
        for mine, its in zip(other.parts.net.params[name], net.params[name], strict=True):
            mine.data[...] = its.data
    expected = other.score(features, [[1, 2, 0]] * 3)
    for mine, its in zip(found, expected, strict=True):
        assert mine.log_prob == pytest.approx(its.log_prob)
    assert captions.predictor.encode(images(5, "convnet")) == 5
