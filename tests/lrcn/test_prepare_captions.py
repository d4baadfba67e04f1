"""Caption data from a COCO file to the batches that a captioning net sees."""

import hashlib
import json

import h5py
import numpy as np
import pytest

from caffe_lite.backend import get_ops
from caffe_lite.cli.commands import parse
from caffe_lite.data.caption_streams import aligned, unaligned
from caffe_lite.data.images import write_image
from caffe_lite.errors import DataError
from caffe_lite.lrcn.prepare.coco import make_vocabulary, read_captions
from caffe_lite.lrcn.vocabulary import Vocabulary
from caffe_lite.nets.net import Net
from caffe_lite.proto import schema, text

WORDS = "red green blue dog cat ball runs sleeps jumps big small".split()


@pytest.fixture
def coco(tmp_path, monkeypatch):
    """Seven images, each of one grey level, with two or three captions that begin with its name."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    content = {"images": [], "annotations": []}
    for i in range(7):
        content["images"].append({"id": 100 + i, "file_name": f"im {i}.png"})
        write_image(tmp_path / "images" / f"im {i}.png", np.full((6, 6, 3), 10 * i, np.uint8))
        for _ in range(2 + i % 2):
            said = " ".join(rng.choice(WORDS, rng.integers(1, 7)))
            content["annotations"].append({"image_id": 100 + i, "caption": f"Name{i} {said}."})
    (tmp_path / "captions.json").write_text(json.dumps(content))
    return tmp_path


def prepare(*options, out="h5"):
    args = parse(
        [
            *("prepare", "captions", "--annotations", "captions.json", "--images", "images"),
            *("--out", out, "--buffer", "4", "--steps", "5", "--min_count", "1", *options),
        ]
    )
    return args.run(args)


def test_a_net_sees_every_image_with_its_own_sentences(coco):
    prepare()
    vocabulary = Vocabulary.read("h5/vocabulary.txt")
    folder = "h5/train_aligned_5_batches"
    net = Net(
        text.parse(
            f"""
        layer {{ name: "data" type: "ImageData" top: "data" top: "label"
          image_data_param {{ batch_size: 4
            source: "{folder}/image_list.with_dummy_labels.txt" }} }}
        layer {{ name: "data" type: "HDF5Data" top: "cont_sentence" top: "input_sentence"
          top: "target_sentence"
          hdf5_data_param {{ source: "{folder}/hdf5_chunk_list.txt" batch_size: 5 }} }}""",
            schema.NetParameter,
        ),
        schema.TRAIN,
        get_ops(),
    )
    seen = []
    with net:
        for _ in range(12):  # 17 captions fill five batches, so that both sources begin anew twice
            net.forward()
            cont, inputs, targets = (
                net.blobs[f"{name}_sentence"].data for name in ("cont", "input", "target")
            )
            assert cont.shape == (5, 4)
            for i, image in enumerate(net.blobs["data"].data):
                name = vocabulary.ids[f"name{round(image.mean() / 10)}"]
                words = [int(w) for w in inputs[1:, i] if w > 0]
                assert inputs[0, i] == 0 and words[0] == name == targets[0, i]
                length = len(words)
                assert cont[:, i].tolist() == [0] + [1] * length + [0] * (4 - length)
                assert inputs[1 + length :, i].tolist() == [-1] * (4 - length)
                if length < 4:
                    assert targets[:, i].tolist() == [*words, 0, *[-1] * (4 - length)]
                seen.append(tuple(words))
    assert len(set(seen)) > 10 and seen[:20] == seen[20:40]


def test_the_files_are_those_that_legacy_nets_name(coco):
    prepare()
    folder = coco / "h5" / "train_aligned_5_batches"
    assert (folder / "hdf5_chunk_list.txt").read_text() == (
        "h5/train_aligned_5_batches/batch_0.h5\n"
    )
    paths = (folder / "image_list.txt").read_text().splitlines()
    labelled = (folder / "image_list.with_dummy_labels.txt").read_text().splitlines()
    assert len(paths) == 20 and set(paths) == {f"images/im {i}.png" for i in range(7)}
    assert [line.rpartition(" ")[0] for line in labelled] == paths
    with h5py.File(folder / "batch_0.h5") as file:
        assert set(file) == {
            "cont_sentence",
            "input_sentence",
            "target_sentence",
            "stage_indicators",
            "hashed_image_path",
            "cont",
            "buffer_size",
        }
        assert file["input_sentence"].shape == (25, 4)


@pytest.mark.parametrize("layout", ["aligned", "unaligned"])
def test_stages_and_hashed_paths_go_with_the_sentences(coco, layout):
    prepare("--layout", layout)
    folder = next((coco / "h5").glob(f"train_{layout}*"))
    hashes = [
        int(hashlib.sha1(path.encode()).hexdigest(), 16) % 100_000
        for path in (folder / "image_list.txt").read_text().splitlines()
    ]
    with h5py.File(folder / "batch_0.h5") as file:
        streams = {name: file[name][:] for name in file}
    inputs, targets = streams["input_sentence"], streams["target_sentence"]
    hashed, stages = streams["hashed_image_path"], streams["stage_indicators"]
    assert hashed.shape == stages.shape == inputs.shape
    np.testing.assert_array_equal(stages, targets >= 0)
    begins = np.argwhere((inputs == 0) & (targets >= 0))
    assert len(begins) == len(hashes) > 15
    for (t, n), wanted in zip(begins, hashes, strict=True):
        end = t + 1
        while end < len(inputs) and inputs[end, n] > 0:
            end += 1
        if layout == "aligned":
            end = t + 5
        assert hashed[t:end, n].tolist() == [wanted] * (end - t)
    if layout == "unaligned":
        assert (hashed[stages == 0] == 0).all() and (stages == 0).any()


def test_streams_back_to_back_hold_every_sentence_whole():
    rng = np.random.default_rng(1)
    sentences = [list(rng.integers(1, 9, rng.integers(0, 8))) for _ in range(23)]
    streams = unaligned(sentences, 3)
    cont, inputs, targets = (streams[f"{name}_sentence"] for name in ("cont", "input", "target"))
    found = []
    for n in range(3):
        starts = [t for t in range(len(cont)) if cont[t, n] == 0 and inputs[t, n] == 0]
        for start in starts:
            end = start + 1
            while end < len(cont) and cont[end, n] == 1:
                end += 1
            found.append(((start, n), inputs[start + 1 : end, n].tolist()))
            assert targets[start:end, n].tolist() == [*inputs[start + 1 : end, n], 0]
        used = starts[-1] + 1 + len(found[-1][1])
        assert (cont[used:, n] == 0).all() and (targets[used:, n] == -1).all()
        assert (inputs[used:, n] == -1).all()
    # Taken by time and then by stream, they come in the order of the list.
    assert [words for _, words in sorted(found)] == sentences


def test_a_long_sentence_is_cut_off_in_its_slot():
    streams = aligned([[1, 2, 3, 4, 5], [6]], 2, 4)
    assert streams["input_sentence"].T.tolist() == [[0, 1, 2, 3], [0, 6, -1, -1]]
    assert streams["target_sentence"].T.tolist() == [[1, 2, 3, 4], [6, 0, -1, -1]]
    assert streams["cont_sentence"].T.tolist() == [[0, 1, 1, 1], [0, 1, 0, 0]]


def test_the_vocabulary_is_sorted_by_count_then_by_name(coco):
    (coco / "few.json").write_text(
        json.dumps(
            {
                "images": [{"id": 1, "file_name": "a.jpg"}],
                "annotations": [
                    {"image_id": 1, "caption": c} for c in ("The dog, the cat.", "A dog", ".")
                ],
            }
        )
    )
    [image] = read_captions("few.json", "images")
    assert image.sentences == [["the", "dog", ",", "the", "cat"], ["a", "dog"]]
    assert make_vocabulary([image], 1).words == ("<unk>", "dog", "the", ",", "a", "cat")
    assert make_vocabulary([image], 2).words == ("<unk>", "dog", "the")


def test_what_is_finished_is_kept_and_what_is_not_is_made(coco, capsys):
    prepare()
    folders = sorted(coco.glob("h5/*_batches"))
    assert [folder.name for folder in folders] == [
        "train_aligned_5_batches",
        "train_unaligned_batches",
    ]
    before = {path: path.read_bytes() for path in coco.glob("h5/**/*") if path.is_file()}
    stamps = {path: path.stat().st_mtime_ns for path in before}
    (folders[0] / "hdf5_chunk_list.txt").unlink()
    (folders[0] / "image_list.txt").unlink()
    prepare()
    assert {path: path.read_bytes() for path in before} == before
    remade = {path.name for path in before if path.stat().st_mtime_ns != stamps[path]}
    assert "batch_0.h5" not in remade and "hdf5_chunk_list.txt" in remade
    with pytest.raises(DataError, match="made from other captions or settings"):
        prepare("--seed", "4")
    with pytest.raises(DataError, match=r"vocabulary.txt: is there already.*give --vocabulary"):
        prepare("--min_count", "4")


def test_other_splits_share_the_vocabulary_and_mark_unknown_words(coco):
    prepare("--min_count", "4", "--layout", "aligned")
    (coco / "ids.txt").write_text("103\n101\n")
    prepare(
        "--split",
        "val",
        "--vocabulary",
        "h5/vocabulary.txt",
        "--ids",
        "ids.txt",
        "--layout",
        "aligned",
    )
    with h5py.File("h5/val_aligned_5_batches/batch_0.h5") as file:
        assert (file["input_sentence"][1] == 1).all()  # no name occurs four times
    listed = (coco / "h5" / "val_aligned_5_batches" / "image_list.txt").read_text()
    assert set(listed.splitlines()) == {"images/im 1.png", "images/im 3.png"}


def test_a_split_of_karpathys_file_is_prepared(coco):
    images = [
        {"imgid": i, "filename": f"im {i}.png", "split": "test" if i > 4 else "train",
         "sentences": [{"raw": f"Name{i} red dog."}]}
        for i in range(7)
    ]  # fmt: skip
    (coco / "captions.json").write_text(json.dumps({"images": images}))
    prepare("--split", "test", "--layout", "aligned")
    listed = (coco / "h5" / "test_aligned_5_batches" / "image_list.txt").read_text()
    assert set(listed.splitlines()) == {"images/im 5.png", "images/im 6.png"}
    with pytest.raises(DataError, match='no image is in the split "val"'):
        prepare("--split", "val")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "not a JSON file"),
        ("[]", "not a caption file in COCO's form"),
        ('{"images": [{"id": 1}], "annotations": []}', "file_name"),
        ('{"images": [], "annotations": [{"image_id": 5, "caption": "a"}]}', "image 5"),
        (
            '{"images": [{"id": 1, "file_name": "no.jpg"}], "annotations": []}',
            "no captioned images",
        ),
    ],
)
def test_bad_caption_files_are_told_in_one_line(coco, content, told):
    (coco / "captions.json").write_text(content)
    with pytest.raises(DataError, match=told) as info:
        prepare()
    assert "\n" not in str(info.value)


def test_an_unknown_image_id_is_told_with_its_line(coco):
    (coco / "ids.txt").write_text("103\n\n999\n")
    with pytest.raises(DataError, match=r"ids.txt:3: captions.json has no image 999"):
        prepare("--ids", "ids.txt")


def test_without_captioned_images_nothing_is_written(coco):
    (coco / "captions.json").write_text('{"images": [], "annotations": []}')
    with pytest.raises(DataError, match="captions.json: no captioned images of it are in images"):
        prepare()
    assert not (coco / "h5").exists()


@pytest.mark.parametrize("option", ["--seed=-1", "--min_count=0", "--steps=x"])
def test_numbers_that_are_none_are_refused(coco, capsys, option):
    with pytest.raises(SystemExit) as stop:
        prepare(option)
    assert stop.value.code == 2
    assert "expected an integer of at least " in capsys.readouterr().err


def test_missing_images_are_counted_and_left_out(coco, capsys):
    (coco / "images" / "im 4.png").unlink()
    prepare("--layout", "aligned")
    assert "1 of 7 images are not in images" in capsys.readouterr().err
    assert "im 4" not in (coco / "h5/train_aligned_5_batches/image_list.txt").read_text()
