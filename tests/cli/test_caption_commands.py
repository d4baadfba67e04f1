"""`caption`, `retrieve` and `score` from files to what they print."""

import json

import numpy as np
import pytest

from caffe_lite.cli import main
from caffe_lite.cli import retrieve as retrieve_command
from caffe_lite.data.images import write_image
from caffe_lite.lrcn.captioner import Captioner
from caffe_lite.lrcn.metrics import evaluate
from caffe_lite.lrcn.retrieval import normalize, retrieve
from caffe_lite.lrcn.vocabulary import Vocabulary
from caffe_lite.weights import write_caffemodel
from tests.lrcn.caption_nets import build, definition, images, make_net

WORDS = ["<unk>", "a", "dog", "runs", "fast"]
SEVEN = {"id": 7, "file_name": "a.png"}
CONVNET = """
name: "convnet" input: "data" input_shape { dim: 2 dim: 3 dim: 4 dim: 4 }
layer { name: "fc8" type: "InnerProduct" bottom: "data" top: "fc8"
        inner_product_param { num_output: 3 weight_filler { type: "gaussian" std: 0.01 } } }
layer { name: "fc9" type: "InnerProduct" bottom: "fc8" top: "fc9"
        inner_product_param { num_output: 2 } }
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A caption net of features with all its files, in the working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deploy.prototxt").write_text(definition(6))
    write_caffemodel(make_net(6, seed=2), tmp_path / "net.caffemodel")
    Vocabulary(WORDS).write(tmp_path / "words.txt")
    np.save(tmp_path / "features.npy", images(3))
    (tmp_path / "convnet.prototxt").write_text(CONVNET)
    convnet = build(CONVNET)
    write_caffemodel(convnet, tmp_path / "convnet.caffemodel")
    (tmp_path / "photos").mkdir()
    rng = np.random.default_rng(1)
    for name in ("b.png", "a.png", "c.png"):
        write_image(tmp_path / "photos" / name, rng.integers(0, 256, (4, 4, 3), np.uint8))
    return tmp_path


NET = ["--net", "deploy.prototxt", "--weights", "net.caffemodel", "--vocabulary", "words.txt"]
FEATURES = [*NET, "--features", "features.npy"]
WITH_CONVNET = [*NET, "--image-net", "convnet.prototxt", "--image-weights", "convnet.caffemodel"]


def run(capsys, *arguments):
    code = main(arguments)
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def captioner(folder):
    return Captioner.load(
        folder / "deploy.prototxt", folder / "net.caffemodel", folder / "words.txt"
    )


def test_captions_are_those_of_beam_search(folder, capsys):
    code, out, _ = run(
        capsys, "caption", *FEATURES, "--beam", "4", "--best", "2", "--json", "--max-length", "7"
    )
    assert code == 0
    mine = captioner(folder)
    found = mine.beam_search(images(3).astype(np.float32), beam=4, max_length=7)
    for result, expected in zip(json.loads(out), found, strict=True):
        assert [c["caption"] for c in result["captions"]] == [mine.text(c) for c in expected[:2]]
        assert result["caption"] == mine.text(expected[0])
        assert result["captions"][1]["log_prob"] == pytest.approx(expected[1].log_prob, rel=1e-5)
        assert result["captions"][0]["complete"] == expected[0].is_complete
    assert [result["image_id"] for result in json.loads(out)] == [0, 1, 2]
    code, out, _ = run(capsys, "caption", *FEATURES, "--beam", "4", "--max-length", "7")
    first = out.splitlines()[0]
    assert first.startswith(f"features.npy[0]: {mine.text(found[0][0])}")
    assert first.endswith(f"({found[0][0].log_prob:.2f})")


def test_images_are_seen_through_the_convnet(folder, capsys):
    code, out, err = run(
        capsys, "caption", "photos", *WITH_CONVNET, "--json", "--mean", "100", "--scale", "0.1"
    )
    assert code == 0, err
    results = json.loads(out)
    assert [result["image_id"] for result in results] == ["a.png", "b.png", "c.png"]
    assert len({result["log_prob"] for result in results}) == 3
    single = run(
        capsys,
        "caption",
        "photos/b.png",
        *WITH_CONVNET,
        "--json",
        "--mean",
        "100",
        "--scale",
        "0.1",
    )[1]
    assert json.loads(single)[0]["log_prob"] == pytest.approx(results[1]["log_prob"], rel=1e-5)


def test_images_of_the_same_name_are_told_apart_by_their_paths(folder, capsys):
    (folder / "more").mkdir()
    write_image(folder / "more" / "a.png", np.zeros((4, 4, 3), np.uint8))
    code, out, err = run(
        capsys, "caption", "photos/a.png", "more", *WITH_CONVNET, "--scale", "0.1", "--json"
    )
    assert code == 0, err
    assert [each["image_id"] for each in json.loads(out)] == ["photos/a.png", "more/a.png"]


def test_a_net_that_takes_images_needs_no_other(folder, capsys):
    pixels = definition(6, "convnet").replace(
        "dim: 5 dim: 2 dim: 4 dim: 3", "dim: 5 dim: 3 dim: 4 dim: 3"
    )
    (folder / "whole.prototxt").write_text(pixels)
    net = build(pixels)
    for blob in net.learnable_params:
        blob.data[...] = np.random.default_rng(3).normal(0, 0.1, blob.shape)
    write_caffemodel(net, folder / "whole.caffemodel")
    code, out, err = run(
        capsys,
        "caption",
        "photos/a.png",
        "--net",
        "whole.prototxt",
        "--weights",
        "whole.caffemodel",
        "--vocabulary",
        "words.txt",
        "--best",
        "3",
        "--json",
    )
    assert code == 0, err
    assert len(json.loads(out)[0]["captions"]) == 3


def test_sampling_is_repeatable(folder, capsys):
    draws = [
        run(
            capsys,
            "caption",
            *FEATURES,
            "--sample",
            "3",
            "--seed",
            seed,
            "--json",
            "--temperature",
            "2",
            "--max-length",
            "6",
        )[1]
        for seed in ("5", "5", "6")
    ]
    assert draws[0] == draws[1] != draws[2]
    assert [len(result["captions"]) for result in json.loads(draws[0])] == [3, 3, 3]


def test_features_are_averaged_over_ten_crops(folder, capsys):
    rng = np.random.default_rng(5)
    photo = rng.integers(0, 256, (6, 7, 3), np.uint8)
    write_image(folder / "wide.png", photo)
    options = [*WITH_CONVNET, "--mean", "100", "--scale", "0.1", "--json", "--score", "a dog"]
    code, out, err = run(capsys, "caption", "wide.png", *options, "--crops", "10")
    assert code == 0, err
    net = build(CONVNET)
    net.copy_trained_layers_from(folder / "convnet.caffemodel")
    crops = [photo[y : y + 4, x : x + 4] for y, x in ((0, 0), (0, 3), (2, 0), (2, 3), (1, 1))]
    crops += [crop[:, ::-1] for crop in crops]
    net.blobs["data"].reshape(10, 3, 4, 4)
    net.blobs["data"].data[...] = (np.stack(crops).transpose(0, 3, 1, 2) - 100.0) * 0.1
    net.forward()
    features = net.blobs["fc8"].data.mean(axis=0, keepdims=True).astype(np.float32)
    expected = captioner(folder).score(features, [[2, 3, 0]])[0].log_prob
    assert json.loads(out)[0]["log_prob"] == pytest.approx(expected, rel=1e-5)
    centre = run(capsys, "caption", "wide.png", *options)[1]
    assert abs(json.loads(centre)[0]["log_prob"] - expected) > 1e-3


def sampled(capsys, *arguments):
    code, out, err = run(capsys, "caption", *FEATURES, "--max-length", "6", *arguments)
    assert code == 0, err
    return out


def test_the_caption_of_samples_is_the_likeliest_of_them(folder, capsys):
    options = ["--sample", "20", "--seed", "3", "--temperature", "1.5"]
    drawn = json.loads(sampled(capsys, *options, "--json"))
    for result in drawn:
        scores = [each["log_prob"] for each in result["captions"]]
        assert scores == sorted(scores, reverse=True) and len(set(scores)) > 3
        assert result["log_prob"] == scores[0] == max(scores)
    best = json.loads(sampled(capsys, *options, "--json", "--best", "4"))
    assert [each["captions"] for each in best] == [each["captions"][:4] for each in drawn]
    per_word = json.loads(sampled(capsys, *options, "--json", "--per-word"))
    for result in per_word:
        scores = [each["log_prob_per_word"] for each in result["captions"]]
        assert scores == sorted(scores, reverse=True)
    assert per_word != drawn
    lines = sampled(capsys, *options).splitlines()
    assert len(lines) == 3
    assert lines[1].startswith(f"features.npy[1]: {drawn[1]['caption']}")


def test_an_inverse_temperature_is_one_over_the_temperature(folder, capsys):
    options = ["--sample", "9", "--json"]
    sharp = sampled(capsys, *options, "--inverse-temperature", "4")
    assert sharp == sampled(capsys, *options, "--temperature", "0.25")
    assert sharp != sampled(capsys, *options, "--temperature", "4")

    def mean(text):
        return np.mean([c["log_prob"] for each in json.loads(text) for c in each["captions"]])

    assert mean(sharp) > mean(sampled(capsys, *options)) + 0.3


@pytest.mark.parametrize(
    "arguments, refused",
    [
        (["--sample", "2", "--beam", "3"], "--beam has no effect with --sample"),
        (["--temperature", "2"], "--temperature has no effect without --sample"),
        (["--inverse-temperature", "2"], "--inverse-temperature has no effect without --sample"),
        (["--seed", "0"], "--seed has no effect without --sample"),
        (["--unknown-words", "unk"], "--unknown-words has no effect without --score"),
        *[
            (["--score", "a dog", f"--{name}", *value], f"--{name} has no effect with --score")
            for name, *value in (
                ("beam", "2"),
                ("best", "1"),
                ("per-word",),
                ("max-length", "9"),
                ("sample", "4"),
                ("seed", "1"),
            )
        ],
        *[
            ([f"--{name}", "1"], f"--{name} has no effect with --features")
            for name in ("image-weights", "feature", "resize", "mean", "scale")
        ],
    ],
)
def test_options_that_a_decoder_ignores_are_refused(folder, capsys, arguments, refused):
    code, out, err = run(capsys, "caption", *FEATURES, *arguments)
    assert (code, out) == (2, "")
    told = [line for line in err.splitlines() if "upgraded on the fly" not in line]
    assert len(told) == 1 and refused in told[0]


def test_given_captions_are_scored(folder, capsys):
    code, out, _ = run(
        capsys, "caption", *FEATURES, "--score", "A dog runs.", "--score", "fast", "--json"
    )
    assert code == 0
    expected = captioner(folder).score(images(3).astype(np.float32), [[2, 3, 4, 0]] * 3)
    for result, caption in zip(json.loads(out), expected, strict=True):
        assert result["captions"][0]["caption"] == "a dog runs"
        assert result["captions"][0]["log_prob"] == pytest.approx(caption.log_prob, rel=1e-5)
        assert result["captions"][1]["caption"] == "fast"
    code, out, _ = run(capsys, "caption", *FEATURES, "--score", "a zebra", "--unknown-words", "unk")
    assert code == 0 and "a <unk>" in out


def coco(folder):
    captions = {7: ["A dog runs.", "a dog"], 8: ["fast dog"], 9: ["runs fast", "a a dog"]}
    names = dict(zip(captions, ("a.png", "b.png", "c.png"), strict=True))
    (folder / "coco.json").write_text(
        json.dumps(
            {
                "images": [{"id": i, "file_name": name} for i, name in names.items()],
                "annotations": [
                    {"image_id": i, "id": 1, "caption": text}
                    for i, texts in captions.items()
                    for text in texts
                ],
            }
        )
    )
    return captions


def test_captions_of_a_coco_file_can_be_scored(folder, capsys):
    references = coco(folder)
    code, out, _ = run(
        capsys,
        "caption",
        "photos",
        "--annotations",
        "coco.json",
        *FEATURES,
        "--json",
        "--beam",
        "2",
    )
    assert code == 0
    (folder / "results.json").write_text(out)
    candidates = {result["image_id"]: result["caption"] for result in json.loads(out)}
    scores, each = evaluate(candidates, references)
    code, out, _ = run(capsys, "score", "results.json", "coco.json", "--json")
    assert code == 0
    assert json.loads(out)["scores"] == pytest.approx(scores)
    assert json.loads(out)["images"][1] == pytest.approx({"image_id": 8, **each[8]})
    code, out, _ = run(capsys, "score", "results.json", "coco.json")
    assert out.splitlines()[0] == f"BLEU-1   {scores['BLEU-1']:.4f}"
    assert out.splitlines()[-1] == "3 of 3 images with references scored"


def test_retrieval_on_a_coco_file(folder, capsys):
    coco(folder)
    code, out, err = run(
        capsys, "retrieve", "photos", "--annotations", "coco.json", *FEATURES, "--json"
    )
    assert code == 0, err
    sentences = [[2, 3, 4], [2, 3], [5, 3], [4, 5], [2, 2, 3]]
    matrix = captioner(folder).score_matrix(images(3).astype(np.float32), sentences)
    to_caption, to_image = retrieve(normalize(matrix), [0, 0, 1, 2, 2])
    assert json.loads(out) == {
        "images": 3,
        "captions": 5,
        "image to caption": pytest.approx(to_caption.summary()),
        "caption to image": pytest.approx(to_image.summary()),
    }
    code, out, _ = run(
        capsys,
        "retrieve",
        "photos",
        "--annotations",
        "coco.json",
        *FEATURES,
        "--no-normalize",
        "--per-word",
    )
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == "3 images, 5 captions"
    assert lines[1].split() == ["R@1", "R@5", "R@10", "median", "rank", "mean", "rank"]
    assert lines[2].startswith("image to caption") and lines[3].startswith("caption to image")


def recall(capsys, *arguments):
    code, out, err = run(
        capsys, "retrieve", "photos", "--annotations", "coco.json", *FEATURES, "--json", *arguments
    )
    assert code == 0, err
    return json.loads(out)


def matrix(folder, rows, sentences):
    return captioner(folder).score_matrix(images(3).astype(np.float32)[rows], sentences)


def test_the_end_of_the_sentence_counts_if_asked_for(folder, capsys):
    coco(folder)
    found = recall(capsys, "--end-word")
    sentences = [[2, 3, 4, 0], [2, 3, 0], [5, 3, 0], [4, 5, 0], [2, 2, 3, 0]]
    expected = retrieve(normalize(matrix(folder, [0, 1, 2], sentences)), [0, 0, 1, 2, 2])
    assert found["caption to image"] == pytest.approx(expected[1].summary())


def test_retrieval_on_some_of_the_images(folder, capsys):
    coco(folder)
    (folder / "some.txt").write_text("c.png\n7\n")
    np.save("features.npy", images(3).astype(np.float32)[[2, 0]])
    found = recall(capsys, "--images", "some.txt")
    scores = matrix(folder, [2, 0], [[4, 5], [2, 2, 3], [2, 3, 4], [2, 3]])
    expected = retrieve(normalize(scores), [0, 0, 1, 1])
    assert (found["images"], found["captions"]) == (2, 4)
    assert found["image to caption"] == pytest.approx(expected[0].summary())
    assert found["caption to image"] == pytest.approx(expected[1].summary())


def test_images_without_captions_are_ranked_as_well(folder, capsys):
    coco(folder)
    content = json.loads((folder / "coco.json").read_text())
    content["annotations"] = [each for each in content["annotations"] if each["image_id"] != 8]
    content["annotations"][0]["caption"] = "A zebra runs."  # scored as <unk>
    (folder / "coco.json").write_text(json.dumps(content))
    found = recall(capsys)
    scores = matrix(folder, [0, 1, 2], [[2, 1, 4], [2, 3], [4, 5], [2, 2, 3]])
    expected = retrieve(normalize(scores), [0, 0, 2, 2])
    assert (found["images"], found["captions"]) == (3, 4)
    assert found["image to caption"] == pytest.approx(expected[0].summary())
    assert found["caption to image"] == pytest.approx(expected[1].summary())


def test_a_stopped_retrieval_continues(folder, capsys, monkeypatch):
    coco(folder)
    expected = recall(capsys)
    monkeypatch.setattr(retrieve_command, "BATCH", 1)
    batches = []
    score = Captioner.score_matrix

    def stops(self, *arguments):
        batches.append(len(arguments[0]))
        if len(batches) == 3:
            raise KeyboardInterrupt
        return score(self, *arguments)

    monkeypatch.setattr(Captioner, "score_matrix", stops)
    options = ["--scores", "scores.npy"]
    with pytest.raises(AssertionError, match="ended by SIGINT"):
        recall(capsys, *options)
    assert np.isnan(np.load("scores.npy")).any(axis=1).tolist() == [False, False, True]
    assert recall(capsys, *options) == expected
    assert batches == [1, 1, 1, 1]
    assert recall(capsys, *options) == expected and len(batches) == 4
    sentences = [[2, 3, 4], [2, 3], [5, 3], [4, 5], [2, 2, 3]]
    np.testing.assert_allclose(np.load("scores.npy"), matrix(folder, [0, 1, 2], sentences))
    code, _, err = run(
        capsys, "retrieve", "photos", "--annotations", "coco.json", *FEATURES, *options,
        "--per-word",
    )  # fmt: skip
    assert code == 1 and "scores.npy: was made from other images, captions, weights or" in err


def test_images_for_a_query(folder, capsys):
    code, out, err = run(
        capsys, "retrieve", "photos", "--query", "a dog", *FEATURES, "--best", "2", "--json"
    )
    assert code == 0, err
    scores = normalize(captioner(folder).score_matrix(images(3).astype(np.float32), [[2, 3]]))
    order = scores[:, 0].argsort()[::-1][:2]
    found = json.loads(out)[0]["images"]
    names = ["photos/a.png", "photos/b.png", "photos/c.png"]
    assert [each["image"] for each in found] == [names[i] for i in order]
    assert [each["score"] for each in found] == pytest.approx(scores[order, 0].tolist(), rel=1e-4)


@pytest.mark.parametrize(
    "arguments, code, message",
    [
        (
            ["caption", *FEATURES, "--score", "a zebra runs"],
            1,
            '"zebra" is not among the 5 words of words.txt',
        ),
        (
            ["caption", *FEATURES, "--vocabulary", "short.txt"],
            1,
            "short.txt: 2 words and <EOS> make 3 ids, but net",
        ),
        (
            ["caption", *FEATURES, "--weights", "convnet.caffemodel"],
            1,
            'convnet.caffemodel: no weights for layers "embedding", "lstm1", "lstm2", "predict" of '
            "deploy.prototxt (it holds fc8, fc9 ...)",
        ),
        (["caption", *FEATURES, "--weights", "larger.caffemodel"], 1, "blob 0 is 9 x 4 there"),
        (["caption", "photos/gone.png", *WITH_CONVNET], 1, "photos/gone.png: no such file"),
        (["caption", "empty", *WITH_CONVNET], 1, "empty: the folder holds no images"),
        (["caption", "words.txt", *WITH_CONVNET], 1, "words.txt: cannot be decoded"),
        (
            ["caption", "photos", *WITH_CONVNET, "--feature", "fc7"],
            1,
            'no layer makes a blob "fc7"',
        ),
        (
            ["caption", "photos", "photos/a.png", *WITH_CONVNET],
            2,
            "photos/a.png is given twice; give each image once",
        ),
        (["caption", "photos", *NET], 2, "takes image features: give the convnet that computes"),
        (["caption", *WITH_CONVNET], 2, "no images: give image files"),
        (
            ["caption", "photos/a.png", *FEATURES],
            2,
            "holds the features of 3 images, but 1 were given",
        ),
        (["caption", *FEATURES, "--features", "words.txt"], 1, "words.txt: not a file of features"),
        (["caption", *NET, "--features", "nobody.npy"], 1, "nobody.npy: holds the features of no"),
        (["caption", *FEATURES, "--score", ""], 1, '--score: caption "" has no words'),
        (["caption", *FEATURES, "--score", "a", "--score", "."], 1, 'caption "." has no words'),
        (
            ["caption", "photos", *WITH_CONVNET, "--annotations", "nothing.json"],
            1,
            "nothing.json: the file lists no images",
        ),
        (
            ["retrieve", "photos", "photos/../photos/b.png", *WITH_CONVNET, "--query", "a dog"],
            2,
            "photos/../photos/b.png is given twice; give each image once",
        ),
        (["caption", *FEATURES, "--beam", "0"], 2, "--beam must be positive, got 0"),
        (["caption", *FEATURES, "--beam", "2", "--best", "3"], 2, "--best 3 needs --beam 3"),
        (
            ["caption", *FEATURES, "--sample", "2", "--temperature", "nan"],
            2,
            "--temperature must be positive",
        ),
        (
            ["caption", *FEATURES, "--sample", "2", "--inverse-temperature", "inf"],
            2,
            "--inverse-temperature must be positive, got inf",
        ),
        (
            [
                *["caption", *FEATURES, "--sample", "2"],
                *["--temperature", "2", "--inverse-temperature", "2"],
            ],
            2,
            "--temperature and --inverse-temperature set the same thing",
        ),
        (["caption", *FEATURES, "--sample", "2", "--best", "3"], 2, "--best 3 needs --sample 3"),
        (["caption", "photos", *WITH_CONVNET, "--mean", "1,x"], 2, "mean 1,x: expected a number"),
        (["caption", "photos", *WITH_CONVNET, "--mean", "1,2"], 1, "a mean of shape (2,)"),
        (["caption", "photos", *WITH_CONVNET, "--resize", "9"], 2, "--resize 9: expected height"),
        (["caption", "photos", *WITH_CONVNET, "--resize", "3,3"], 1, "images of 3x3 pixels"),
        (["retrieve", "photos", *FEATURES], 2, "give either --annotations, to measure, or --query"),
        (
            ["retrieve", "photos", *FEATURES, "--query", "a zebra"],
            1,
            '--query: caption "a zebra": "zebra" is not among the 5 words of words.txt; '
            "--unknown-words unk",
        ),
        (["retrieve", "photos", *FEATURES, "--query", "."], 1, "has no words"),
        (
            ["retrieve", "photos", *FEATURES, "--annotations", "words.txt"],
            1,
            "words.txt: not a JSON file",
        ),
        (
            ["retrieve", "photos", *FEATURES, "--annotations", "none.json"],
            1,
            "none.json: none of its images has captions",
        ),
        (
            ["retrieve", "photos", *FEATURES, "--annotations", "listed.json"],
            1,
            "listed.json: images[1]: image 7 is listed already; list each image once",
        ),
        (
            ["retrieve", "photos", *FEATURES, "--annotations", "coco.json", "--images", "ids.txt"],
            1,
            "ids.txt:2: image a.png is listed already, in line 1",
        ),
        (
            ["retrieve", "photos", *FEATURES, "--annotations", "coco.json", "--best", "3"],
            2,
            "--best has no effect with --annotations",
        ),
        (
            ["retrieve", "photos", *FEATURES, "--query", "a dog", "--images", "ids.txt"],
            2,
            "--images has no effect without --annotations",
        ),
        (
            ["score", "results.json", "wordless.json"],
            1,
            "wordless.json: no references with words for image 7 of results.json",
        ),
        (["score", "gone.json", "coco.json"], 1, "gone.json: no such file"),
        (["score", "coco.json", "coco.json"], 1, "coco.json: not results in COCO's form"),
        (["score", "twice.json", "coco.json"], 1, "twice.json: [1]: image 7 has a caption already"),
        (
            ["score", "other.json", "coco.json"],
            1,
            "coco.json: no references for image 5 of other.json",
        ),
        (["score", "bad.json", "coco.json"], 1, 'bad.json: [0]: "caption" must be text, got null'),
    ],
)
def test_what_is_wrong_is_told_in_one_line(folder, capsys, arguments, code, message):
    coco(folder)
    (folder / "empty").mkdir()
    (folder / "short.txt").write_text("a\nb\n")
    (folder / "nothing.json").write_text('{"images": [], "annotations": []}')
    np.save(folder / "nobody.npy", images(0))
    (folder / "ids.txt").write_text("7\na.png\n")
    write_caffemodel(make_net(9), folder / "larger.caffemodel")
    for name, results in (
        ("twice", [{"image_id": 7, "caption": "a"}] * 2),
        ("other", [{"image_id": 5, "caption": "a"}]),
        ("bad", [{"image_id": 7}]),
        ("results", [{"image_id": 7, "caption": "a"}]),
        ("none", {"images": [SEVEN], "annotations": []}),
        ("listed", {"images": [SEVEN, SEVEN], "annotations": []}),
        ("wordless", {"images": [SEVEN], "annotations": [{"image_id": 7, "caption": " . "}]}),
    ):
        (folder / f"{name}.json").write_text(json.dumps(results))
    found, _, err = run(capsys, *arguments)
    told = [line for line in err.splitlines() if "upgraded on the fly" not in line]
    assert (found, len(told)) == (code, 1), err
    assert message in told[0]
    assert told[0].startswith(f"caffe_lite {arguments[0]}: ")
