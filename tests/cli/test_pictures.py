"""--picture and --out, from files to pictures and videos."""

import json
import sys

import numpy as np
import pytest
from PIL import Image, ImageColor

from caffe_lite.cli import main
from caffe_lite.data.images import write_image
from caffe_lite.data.video import decode_video
from caffe_lite.lrcn.pictures import text
from caffe_lite.lrcn.pictures.canvas import RIGHT, SERIES, TRACK
from tests.cli import test_caption_commands as captions
from tests.cli import test_classify_video as videos
from tests.lrcn.pictures.looking import longest, runs

caption_folder, video_folder = captions.folder, videos.folder
CLASSIFY = ["classify-video", *videos.NET, *videos.RGB_OPTIONS, "--classes", "classes.txt"]
CAPTION = ["caption", "photos", *captions.FEATURES, "--beam", "3"]


def run(capsys, *arguments):
    code = main(arguments)
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def picture(path):
    with Image.open(path) as opened:
        assert opened.format == ("JPEG" if path.endswith(".jpg") else "PNG")
        return opened.convert("RGB")


def bar(path, colour=SERIES[0]):
    """The longest run of a colour in the lower part of a timeline, where the bars are."""
    drawn = picture(path)
    return longest(drawn.crop((312, drawn.height - 150, drawn.width, drawn.height)), colour)


def test_the_timeline_of_a_video(video_folder, capsys):
    code, out, err = run(capsys, *CLASSIFY, "frames/v_one", "--picture", "v.png", "--json")
    assert code == 0 and not err.count("\n") > 1, err
    probs = [each["probability"] for each in json.loads(out)[0]["classes"]]
    found = [bar("v.png", colour) for colour in SERIES[:5]]
    assert found == [pytest.approx(p * (1200 - 90 - 312), abs=1) for p in probs[:5]]


def test_rgb_and_flow_are_both_shown(video_folder, capsys):
    assert run(capsys, *CLASSIFY, "frames/v_one", "--picture", "rgb.png")[0] == 0
    both = [*CLASSIFY, *videos.FLOW, "--rgb-weight", "1/3"]
    code, out, err = run(capsys, *both, "frames/v_one", "--picture", "both.png", "--json")
    assert code == 0, err
    assert picture("both.png").height > picture("rgb.png").height + 60
    best = json.loads(out)[0]["classes"][0]["probability"]
    assert bar("both.png") == pytest.approx(best * (1200 - 90 - 312), abs=1)
    kept = [*both, "frames/v_one", "--features", "kept", "--picture"]
    assert run(capsys, *kept, "first.png")[0] == 0
    assert run(capsys, *kept, "again.png")[0] == 0
    assert picture("first.png").tobytes() == picture("again.png").tobytes()
    assert picture("first.png").tobytes() == picture("both.png").tobytes()


def test_a_video_of_one_frame(video_folder, capsys):
    pytest.importorskip("av", reason="PyAV is not installed (the extra `video`)")
    (video_folder / "one").mkdir()
    write_image(video_folder / "one" / "frame.0001.png", videos.video(1, seed=3)[0])
    arguments = [*CLASSIFY, "one", "--picture", "one.png", "--out", "one.mp4"]
    code, _, err = run(capsys, *arguments)
    assert code == 0, err
    assert bar("one.png") > 50
    assert len(list(decode_video("one.mp4"))) == 1


def test_several_videos_are_below_each_other(video_folder, capsys):
    for names, path in ((["v_one"], "1.png"), (["v_one", "v_two", "v_three"], "3.png")):
        folders = [f"frames/{name}" for name in names]
        assert run(capsys, *CLASSIFY, *folders, "--picture", path)[0] == 0
    assert 2.5 < picture("3.png").height / picture("1.png").height < 3.5


def test_a_confusion_matrix_of_a_list(video_folder, capsys):
    labels = {name: int(videos.expected(name, "frames", 1).argmax()) for name in videos.LENGTHS}
    labels["v_two"] = (labels["v_two"] + 1) % 7
    lines = "".join(f"Class/{name}.avi {label}\n" for name, label in labels.items())
    (video_folder / "list.txt").write_text(lines)
    arguments = [*CLASSIFY, "frames", "--list", "list.txt", "--picture", "matrix.png"]
    code, out, err = run(capsys, *arguments)
    assert code == 0 and "accuracy 0.6667" in out, err
    lengths = [length for _, _, length in runs(picture("matrix.png"), RIGHT, 60)]
    wrong = list(labels.values()).count(labels["v_two"])
    assert max(lengths) == 160 and wrong <= 3
    (video_folder / "list.txt").write_text("Class/v_one.avi 7\n")
    code, _, err = run(capsys, *arguments)
    assert code == 1 and "v_one has label 7, but the 7 classes of deploy.prototxt" in err


def test_one_matrix_of_several_lists(video_folder, capsys):
    label = int(videos.expected("v_one", "frames", 1).argmax())
    (video_folder / "right.txt").write_text(f"Class/v_one.avi {label}\n")
    (video_folder / "wrong.txt").write_text(f"Class/v_one.avi {(label + 1) % 7}\n")
    seen = []
    for names in (["right"], ["wrong"], ["right", "wrong"]):
        lists = [word for name in names for word in ("--list", f"{name}.txt")]
        code, _, err = run(capsys, *CLASSIFY, "frames", *lists, "--picture", "matrix.png")
        assert code == 0, err
        excess = np.subtract(*np.moveaxis(np.asarray(picture("matrix.png")).astype(int), 2, 0)[:2])
        seen.append(((excess < -90).sum() > 500, (excess > 150).sum() > 500))  # green, red
    assert seen == [(True, False), (False, True), (True, True)]


@pytest.mark.parametrize("option", ["--out", "--picture"])
def test_the_annotated_video(video_folder, capsys, option):
    pytest.importorskip("av", reason="PyAV is not installed (the extra `video`)")
    name = "frames/v_one"
    code, out, err = run(capsys, *CLASSIFY, name, option, "v.mp4", "--fps", "5", "--json")
    assert code == 0, err
    found = list(decode_video("v.mp4"))
    assert len(found) == videos.LENGTHS["v_one"]
    assert found[1][0] == pytest.approx(0.2, abs=2e-3)
    classifier = videos.VideoClassifier(
        videos.make(videos.clip_net(10), 1), mean=(100, 120, 90), scale=0.02
    )
    frames = videos.frames_of("v_one", "frames")
    probs = classifier.per_frame(classifier.frame_probabilities(frames), len(frames))
    best = json.loads(out)[0]["classes"][0]["label"]
    for (_, image), each in zip(found, probs, strict=True):
        close = (
            np.abs(image[-158:, :, ::-1].astype(int) - ImageColor.getrgb(SERIES[0])).max(axis=2)
            < 60
        )
        assert close.sum(axis=1).max() == pytest.approx(each[best] * (480 - 60 - 150), abs=4)


def test_contact_sheets(caption_folder, capsys):
    code, out, err = run(capsys, *CAPTION, "--picture", "sheet.png", "--json")
    assert code == 0 and len(json.loads(out)) == 3, err
    one = picture("sheet.png")
    assert run(capsys, *CAPTION, "--best", "3", "--picture", "three.jpg")[0] == 0
    assert picture("three.jpg").height > one.height + 60
    assert run(capsys, *CAPTION[:1], *CAPTION[2:], "--picture", "none.png")[0] == 0
    assert picture("none.png").size == one.size


def test_captions_word_by_word(caption_folder, capsys):
    arguments = [*CAPTION, "--picture", "words.png", "--picture-words", "--json"]
    code, out, err = run(capsys, *arguments)
    assert code == 0, err
    mine = captions.captioner(caption_folder)
    found = mine.beam_search(captions.images(3).astype(np.float32), beam=3)
    blue = (np.asarray(picture("words.png")) == ImageColor.getrgb(SERIES[0])).all(axis=2)
    expected = [round(56 * np.exp(p)) for each in found for p in each[0].log_probs]
    assert blue.sum() == 40 * sum(expected) > 0


def test_an_image_that_cannot_be_read_is_left_out_of_the_sheet(caption_folder, capsys):
    assert run(capsys, *CAPTION, "--picture", "whole.png")[0] == 0
    (caption_folder / "photos" / "b.png").write_bytes(b"no image")
    code, _, err = run(capsys, *CAPTION, "--picture", "sheet.png")
    assert code == 0
    assert "not shown in the picture: photos/b.png: cannot be decoded" in err
    assert picture("sheet.png").size == picture("whole.png").size


def test_retrieval_grids(caption_folder, capsys):
    retrieve = ["retrieve", "photos", *captions.FEATURES]
    code, out, err = run(
        capsys, *retrieve, "--query", "A dog runs.", "--picture", "grid.png", "--best", "2"
    )
    assert code == 0 and out.startswith("A dog runs."), err
    assert longest(picture("grid.png"), RIGHT) < 30, "which image is right is not known"
    files = [{"id": i, "file_name": f"{name}.png"} for i, name in enumerate("abc")]
    texts = [{"image_id": i, "caption": c} for i, c in ((0, "a dog"), (2, "a dog runs"))]
    content = json.dumps({"images": files, "annotations": texts})
    (caption_folder / "annotations.json").write_text(content)
    measure = [*retrieve, "--annotations", "annotations.json", "--json"]
    code, out, err = run(capsys, *measure, "--picture", "grid.png")
    assert code == 0 and json.loads(out)["captions"] == 2, err
    frames = [run for run in runs(picture("grid.png"), RIGHT) if run[2] == 168]
    assert len(frames) == 2 * 8, "two captions, each with one frame of two lines of 4 pixels"


def test_score_sheets(caption_folder, capsys):
    images = [{"id": i, "file_name": f"{i}.jpg"} for i in range(3)]
    references = [{"image_id": i, "caption": "a dog runs on a lawn"} for i in range(3)]
    results = [{"image_id": i, "caption": "a dog runs on a lawn"} for i in range(2)]
    content = json.dumps({"images": images, "annotations": references})
    (caption_folder / "references.json").write_text(content)
    (caption_folder / "results.json").write_text(json.dumps(results))
    arguments = ["score", "results.json", "references.json", "--picture", "score.png"]
    code, out, err = run(capsys, *arguments)
    assert code == 0 and "BLEU-4   1.0000" in out, err
    drawn = picture("score.png")
    full, empty = longest(drawn, SERIES[0]), longest(drawn, TRACK)
    assert full == empty > 600, "all are 1, but CIDEr is 0, since all references are equal"


def test_flow_as_colour(video_folder, capsys):
    folder = video_folder / "moving" / "täglich 1"
    folder.mkdir(parents=True)
    wide = np.random.default_rng(0).integers(0, 256, (12, 20)).astype(np.uint8)
    wide = np.asarray(Image.fromarray(wide).resize((160, 96), Image.Resampling.BICUBIC))
    for t in range(4):
        frame = np.roll(wide, 2 * t, axis=1)[:, :120, None]
        write_image(folder / f"frame.{t + 1:04}.png", frame)
    arguments = ["prepare", "flow", "moving", "--out", "flow", "--jobs", "1"]
    code, _, err = run(capsys, *arguments, "--picture", "flow.png", "--method", "dis")
    assert code == 0, err
    drawn = np.asarray(picture("flow.png")).astype(int)[128:]
    red = (drawn[..., 0] > 240) & (drawn[..., 1] < 140) & (drawn[..., 2] < 140)
    assert red.sum() > 0.7 * 3 * 160 * 128, "everything moves to the right"
    (video_folder / "moving" / "still").mkdir()
    write_image(video_folder / "moving" / "still" / "frame.0001.png", frame)
    (video_folder / "flow.png").unlink()
    code, _, err = run(capsys, *arguments, "--picture", "flow.png")
    assert code == 1 and "still: flow needs two frames or more, there is 1" in err
    assert picture("flow.png"), "of the video that has its flow"


WRONG = [
    (["--picture", "v.gif"], "--picture v.gif: pictures are written as .png, .jpg, .jpeg"),
    (["--picture", "gone/v.png"], "--picture gone/v.png: the folder gone does not exist"),
    (["--picture", "frames/"], "--picture frames/: pictures are written as .png"),
    (["--out", "v.png"], "--out v.png: videos are written as .mp4, .mkv, .mov"),
    (["--out", "gone/v.mp4"], "--out gone/v.mp4: the folder gone does not exist"),
    (["--out", "v.mp4", "--fps", "0"], "--fps must be above 0 and at most 1000, got 0.0"),
    (["--fps", "3"], "--fps has no effect without --out"),
    (["frames/v_two", "--out", "v.mp4"], "--out takes one video"),
    (["--out", "v.mp4", "--picture", "w.mp4"], "--picture w.mp4 and --out v.mp4 are both videos"),
]


@pytest.mark.parametrize("arguments, message", WRONG)
def test_wrong_options_are_refused_in_one_line(video_folder, capsys, arguments, message):
    code, out, err = run(capsys, *CLASSIFY, "frames/v_one", *arguments)
    errors = [line for line in err.splitlines() if "upgraded on the fly" not in line]
    assert code == 2 and len(errors) == 1 and not out, err
    assert message in errors[0]


def test_words_need_a_picture(caption_folder, capsys):
    code, _, err = run(capsys, *CAPTION, "--picture-words")
    assert code == 2 and "--picture-words has no effect without --picture" in err


def test_the_extra_is_named_before_anything_is_computed(caption_folder, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    text._fonts.cache_clear()
    text.font.cache_clear()
    code, out, err = run(capsys, *CAPTION, "--picture", "sheet.png")
    text._fonts.cache_clear()
    assert code == 1 and not out
    assert 'pip install "caffe_lite[demo]"' in err
