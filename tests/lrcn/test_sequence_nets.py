"""Captions of videos by sequence-to-sequence nets, against one stream, one step a forward."""

import json

import numpy as np
import pytest

from caffe_lite.cli import main
from caffe_lite.data.images import write_image
from caffe_lite.errors import ModelError
from caffe_lite.lrcn.captioner import Captioner
from caffe_lite.lrcn.vocabulary import Vocabulary
from caffe_lite.weights import write_caffemodel
from tests.lrcn.caption_nets import build

WORDS = 7
# As S2VT: one LSTM over frames, one over what it says beside the words, which encoding mutes.
S2VT = """
name: "s2vt" input: "frames_fc7" input_shape { %s }
input: "cont_sentence" input_shape { dim: 1 dim: 1 }
input: "input_sentence" input_shape { dim: 1 dim: 1 }
input: "stage_indicator" input_shape { dim: 1 dim: 1 }
layer { name: "embed_frames" type: "InnerProduct" bottom: "frames_fc7" top: "flat_frames"
        inner_product_param { num_output: 4 axis: %d } }
layer { name: "in_time" type: "Reshape" bottom: "flat_frames" top: "frames"
        reshape_param { shape { dim: 1 dim: -1 dim: 4 } } }
layer { name: "lstm1" type: "LSTM" bottom: "frames" bottom: "cont_sentence" top: "lstm1"
        recurrent_param { num_output: 5 } }
layer { name: "embedding" type: "Embed" bottom: "input_sentence" top: "embedded"
        embed_param { input_dim: 7 num_output: 3 bias_term: false } }
layer { name: "muted" type: "Scale" bottom: "embedded" bottom: "stage_indicator" top: "muted"
        scale_param { axis: 0 } }
layer { name: "both" type: "Concat" bottom: "lstm1" bottom: "muted" top: "both"
        concat_param { axis: 2 } }
layer { name: "lstm2" type: "LSTM" bottom: "both" bottom: "cont_sentence" top: "lstm2"
        recurrent_param { num_output: 6 } }
layer { name: "predict" type: "InnerProduct" bottom: "lstm2" top: "predict"
        inner_product_param { num_output: 7 axis: 2 } }
layer { name: "probs" type: "Softmax" bottom: "predict" top: "probs" softmax_param { axis: 2 } }
"""
FORMS = {"flat": S2VT % ("dim: 1 dim: 2", 1), "in time": S2VT % ("dim: 1 dim: 1 dim: 2", 2)}
# As S2VT's own net mutes words, which works for one stream alone.
FORMS["one stream"] = FORMS["flat"].replace(
    """type: "Scale" bottom: "embedded" bottom: "stage_indicator" top: "muted"
        scale_param { axis: 0 } }""",
    """type: "Eltwise" bottom: "embedded" bottom: "stage_indicator" top: "muted"
        eltwise_param { operation: SUM coeff_blob: true } }""",
)
VIDEOS = [np.random.default_rng(i).normal(0, 2, (n, 2)) for i, n in enumerate((3, 1, 5, 3))]


def make(form="flat"):
    net = build(FORMS[form])
    rng = np.random.default_rng(4)
    for blob in net.learnable_params:
        blob.data[...] = rng.normal(0, 1.1, blob.shape)
    net.params["predict"][1].data[...] = 0
    net.params["predict"][0].data[...] *= 3
    return net


def captioner(form="flat", **options):
    return Captioner(make(form), Vocabulary(f"w{i}" for i in range(1, WORDS)), **options)


def step(net, frame, word, cont, stage):
    net.blobs["frames_fc7"].data[...] = np.reshape(frame, net.blobs["frames_fc7"].shape)
    for name, value in (
        ("input_sentence", word),
        ("cont_sentence", cont),
        ("stage_indicator", stage),
    ):
        net.blobs[name].data[...] = value
    net.forward()
    return np.log(net.blobs["probs"].data.reshape(-1))


def plainly(net, video, ids):
    """log P of all words after each prefix of `ids`: encode, then decode, one step a forward."""
    for t, frame in enumerate(video):
        step(net, frame, 0, t > 0, 0)
    return np.array([step(net, np.zeros(2), word, 1, 1) for word in [0, *ids]])


@pytest.mark.parametrize("form", FORMS)
def test_captions_are_scored_as_step_by_step(form):
    sentences = [(3, 1, 0), (2,), (6, 5, 4, 0), (1, 1, 0)]
    scored = captioner(form, batch_size=3).score(VIDEOS, sentences)
    for video, ids, caption in zip(VIDEOS, sentences, scored, strict=True):
        expected = plainly(make(form), video, ids)
        np.testing.assert_allclose(
            caption.log_probs, [expected[t, word] for t, word in enumerate(ids)], rtol=1e-9
        )


@pytest.mark.parametrize("form", ["flat", "one stream"])
def test_greedy_and_beam_search_decode_what_was_encoded(form):
    assert "coeff_blob" in FORMS["one stream"]
    mine = captioner(form)
    assert mine.predictor._takes_many == (form == "flat")
    beams = mine.beam_search(VIDEOS, beam=3, max_length=4)
    for video, best, caption in zip(VIDEOS, beams, mine.greedy(VIDEOS, 4), strict=True):
        ids = []
        while len(ids) < 4 and ids[-1:] != [0]:
            ids.append(int(plainly(make(), video, ids)[-1].argmax()))
        assert caption.ids == tuple(ids)
        assert best[0].log_prob >= caption.log_prob - 1e-9
        for each in best:
            rows = plainly(make(), video, each.ids)
            assert each.log_prob == pytest.approx(
                sum(rows[t, word] for t, word in enumerate(each.ids))
            )
    assert len({caption.ids for caption in mine.greedy(VIDEOS, 4)}) > 1


def test_muted_words_and_zero_frames_matter():
    """The comparison above would notice another protocol."""
    expected = plainly(make(), VIDEOS[0], (3, 1))
    net = make()
    for t, frame in enumerate(VIDEOS[0]):
        step(net, frame, 0, t > 0, 1)
    loud = np.array([step(net, np.zeros(2), word, 1, 1) for word in (0, 3, 1)])
    assert abs(loud - expected).max() > 0.01
    net = make()
    for t, frame in enumerate(VIDEOS[0]):
        step(net, frame, 0, t > 0, 0)
    seen = np.array([step(net, VIDEOS[0][-1], word, 1, 1) for word in (0, 3, 1)])
    assert abs(seen - expected).max() > 0.01


@pytest.mark.parametrize("videos", [[np.zeros((3, 4))], [np.zeros((0, 2))], [np.zeros(())], []])
def test_videos_of_another_shape_are_refused(videos):
    with pytest.raises(ModelError, match="videos"):
        captioner().predictor.encode(videos)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deploy.prototxt").write_text(FORMS["flat"])
    write_caffemodel(make(), tmp_path / "net.caffemodel")
    Vocabulary(f"w{i}" for i in range(1, WORDS)).write(tmp_path / "words.txt")
    np.savez(tmp_path / "videos.npz", **{f"v{i}": video for i, video in enumerate(VIDEOS)})
    return tmp_path


NET = ["--net", "deploy.prototxt", "--weights", "net.caffemodel", "--vocabulary", "words.txt"]


def run(capsys, *arguments):
    code = main(["caption", *NET, *arguments])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_the_command_captions_features_of_videos(folder, capsys):
    code, out, err = run(capsys, "--features", "videos.npz", "--beam", "1", "--json")
    assert code == 0, err
    mine = captioner()
    expected = [mine.text(caption) for caption in mine.greedy(VIDEOS)]
    assert [result["caption"] for result in json.loads(out)] == expected
    np.save(folder / "same.npy", np.stack([VIDEOS[0], VIDEOS[3]]))
    code, out, _ = run(capsys, "--features", "same.npy", "--beam", "1", "--json")
    assert [result["caption"] for result in json.loads(out)] == [expected[0], expected[3]]
    np.save(folder / "flat.npy", VIDEOS[0])
    code, _, err = run(capsys, "--features", "flat.npy")
    assert code == 1 and "expected one array of numbers (videos, frames, ...)" in err


def test_the_command_captions_folders_of_frames(folder, capsys):
    convnet = """name: "convnet" input: "data" input_shape { dim: 2 dim: 3 dim: 4 dim: 4 }
    layer { name: "fc7" type: "InnerProduct" bottom: "data" top: "fc7"
            inner_product_param { num_output: 2 weight_filler { type: "gaussian" std: 0.01 } } }"""
    (folder / "convnet.prototxt").write_text(convnet)
    net = build(convnet)
    write_caffemodel(net, folder / "convnet.caffemodel")
    frames = np.random.default_rng(0).integers(0, 256, (5, 4, 4, 3), np.uint8)
    for name, members in (("v_b", (0, 1, 2)), ("v_a", (3, 4))):
        (folder / "frames" / name).mkdir(parents=True)
        for n, i in enumerate(members, 1):
            write_image(folder / "frames" / name / f"{name}.{n:04d}.png", frames[i])
    net.blobs["data"].reshape(5, 3, 4, 4)
    net.blobs["data"].data[...] = frames.transpose(0, 3, 1, 2)
    net.forward()
    fc7 = net.blobs["fc7"].data
    mine = captioner()
    expected = [mine.text(each) for each in mine.greedy([fc7[3:], fc7[:3]])]
    convnet_options = ["--image-net", "convnet.prototxt", "--image-weights", "convnet.caffemodel"]
    code, out, err = run(
        capsys, "frames", *convnet_options, "--feature", "fc7", "--beam", "1", "--json"
    )
    assert code == 0, err
    assert [result["image_id"] for result in json.loads(out)] == ["v_a", "v_b"]
    assert [result["caption"] for result in json.loads(out)] == expected
