"""The sizes that the help of `prepare` names are those of the data sets."""

from caffe_lite.cli import dataset, main
from caffe_lite.datasets import export_clips, export_ordered


def test_sizes_and_forms():
    assert dataset.ORDERED_CLIPS == export_ordered.CLIPS
    assert dataset.FORMS == export_clips.FORMS


def test_prepare_writes_ordered_digits(tmp_path, capsys):
    out = tmp_path / "data"
    counts = [f"--{split}-clips=20" for split in ("train", "sentences", "validation")]
    command = ["prepare", "ordered_digits", "--out", str(out), *counts, "--seed", "3"]
    assert main([*command, "--test-clips", "40"]) == 0
    assert len((out / "test_captions.txt").read_text().splitlines()) == 40
    capsys.readouterr()
    assert main([*command, "--test-clips", "30"]) == 1
    assert "30 test clips are not whole batches of 20" in capsys.readouterr().err
