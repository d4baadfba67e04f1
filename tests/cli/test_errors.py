"""Whatever is wrong with the input ends in one line that says where and what to do; exit code 1."""

import re
from pathlib import Path

import numpy as np
import pytest

from caffe_lite.cli import COMMANDS, main
from caffe_lite.cli.commands import parse
from caffe_lite.data.datum import encode
from caffe_lite.data.lmdb_writer import LmdbWriter


def last_line(capsys, *argv, code=1):
    assert main([str(arg) for arg in argv]) == code
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err + captured.out
    return captured.err.rstrip().splitlines()[-1]


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        (
            "net.prototxt",
            "num_output: 12",
            "num_ouput: 12",
            'net.prototxt:8:31: InnerProductParameter has no field "num_ouput"; did you mean '
            '"num_output"?',
        ),
        ("solver.prototxt", "momentum: 0.9", "momentum: high", "solver.prototxt:9:11:"),
        (
            "net.prototxt",
            '"ReLU"',
            '"RELUU"',
            'net.prototxt:9:28: layer "relu": unknown layer type "RELUU"; did you mean "ReLU"?',
        ),
        ("net.prototxt", "train.txt", "nowhere.txt", "nowhere.txt"),
        (
            "net.prototxt",
            'bottom: "ip1" top: "ip2"',
            'bottom: "ip3" top: "ip2"',
            'layer "ip2" (InnerProduct): bottom[0] "ip3" is not a top of any layer before it; '
            'did you mean "ip1"?',
        ),
        (
            "net.prototxt",
            'layer { name: "relu"',
            'layer { name: "p" type: "Power" bottom: "ip1" top: "data" } layer { name: "relu"',
            'blob "data" is a top of layer "data" and of layer "p"; give one of them another name',
        ),
        (
            "net.prototxt",
            "num_output: 3",
            "num_output: 2",
            'layer "loss" (SoftmaxWithLoss): labels must be integers from 0 to 1',
        ),
        (
            "solver.prototxt",
            'net: "net.prototxt"',
            'net: "gone.prototxt"',
            "gone.prototxt: no such file",
        ),
        (
            "solver.prototxt",
            "test_iter: 3",
            "test_iter: 3 test_iter: 3 test_state { } ",
            "test_state",
        ),
        ("solver.prototxt", 'lr_policy: "step"', 'lr_policy: "stepp"', 'did you mean "step"?'),
        (
            "solver.prototxt",
            'snapshot_prefix: "small"',
            'snapshot_prefix: "no/such/place"',
            "mkdir -p no/such",
        ),
    ],
)
def test_bad_definitions(job, capsys, file, old, new, expected):
    job.change(file, old, new)
    line = last_line(capsys, "train", "--solver", "solver.prototxt")
    assert line.startswith("caffe_lite train: error: ")
    assert expected in line


def test_a_damaged_lmdb(job, capsys):
    """A page of zeros, as a copy that was broken off leaves it."""
    with LmdbWriter("db") as writer:
        for i in range(90):
            writer.put(encode(np.full((1, 20, 20), i, np.uint8), i % 3))
    data = bytearray(Path("db/data.mdb").read_bytes())
    data[5 * 4096 : 6 * 4096] = bytes(4096)
    Path("db/data.mdb").write_bytes(data)
    job.change("net.prototxt", '"HDF5Data"', '"Data"')
    job.change("net.prototxt", "shuffle: true", "")
    for split, size in (("train", 10), ("test", 8)):
        job.change(
            "net.prototxt", f'hdf5_data_param {{ source: "{split}.txt"', 'data_param { source: "db"'
        )
        job.change("net.prototxt", f"batch_size: {size}", f"batch_size: {size} backend: LMDB")
    line = last_line(capsys, "train", "--solver", "solver.prototxt")
    assert line == (
        'caffe_lite train: error: layer "data" (Data): db/data.mdb: damaged (page 5 is not a leaf '
        "page); copy it again or write it again"
    )


def test_a_truncated_hdf5_file(job, capsys):
    whole = (job.path / "train.h5").read_bytes()
    (job.path / "train.h5").write_bytes(whole[: len(whole) // 2])
    line = last_line(capsys, "train", "--solver", "solver.prototxt")
    assert 'layer "data" (HDF5Data): train.h5' in line


def test_weights_of_another_shape_and_cut_short(job, capsys):
    job.change("solver.prototxt", "max_iter: 24", "max_iter: 1")
    assert main(["train", "--solver", "solver.prototxt"]) == 0
    whole = (job.path / "small_iter_1.caffemodel").read_bytes()
    (job.path / "cut.caffemodel").write_bytes(whole[:-100])
    line = last_line(capsys, "train", "--solver", "solver.prototxt", "--weights", "cut.caffemodel")
    assert "cut.caffemodel" in line and "cut short" in line
    job.change("net.prototxt", "num_output: 12", "num_output: 7")
    line = last_line(
        capsys, "train", "--solver", "solver.prototxt", "--weights", "small_iter_1.caffemodel"
    )
    assert 'layer "ip1" (InnerProduct) blob 0 is 12 x 4 there and 7 x 4 here' in line
    assert (job.path / "small_iter_1.caffemodel").read_bytes() == whole


def test_swapped_files(job, capsys):
    job.change("solver.prototxt", "max_iter: 24", "max_iter: 1")
    assert main(["train", "--solver", "solver.prototxt"]) == 0
    line = last_line(
        capsys, "train", "--solver", "solver.prototxt", "--snapshot", "small_iter_1.caffemodel"
    )
    assert "small_iter_1.caffemodel: this holds weights, not a solver state" in line
    line = last_line(capsys, "train", "--solver", "net.prototxt")
    assert line.startswith("caffe_lite train: error: net.prototxt")
    line = last_line(capsys, "test", "--model", "net.prototxt", "--weights", "solver.prototxt")
    assert "solver.prototxt" in line


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (("train", "--solver", "s", "--snapshot", "a", "--weights", "b"), "not both"),
        (("train", "--solver", "solver.prototxt", "--gpu", "0,1"), "one device at a time"),
        (("train", "--solver", "solver.prototxt", "--gpu", "first"), "number of the GPU"),
        (("time", "--model", "net.prototxt", "--iterations", "0"), "at least 1"),
        (("summary", "net.prototxt", "--shape", "data"), "expected TOP=N,C,H,W"),
        (("gradcheck", "--model", "net.prototxt", "--integers", "x"), "expected INPUT=BOUND"),
        (("gradcheck", "--model", "net.prototxt", "--tolerance", "nan"), "must be positive"),
        (("time", "--model", "net.prototxt", "--gpu", "\u00b2"), "number of the GPU"),
        (("time", "--model", "net.prototxt", "--gpu", "9" * 5000), "number of the GPU"),
    ],
)
def test_wrong_usage_is_code_2(job, capsys, argv, expected):
    assert expected in last_line(capsys, *argv, code=2)


@pytest.mark.parametrize(
    "argv",
    [[], ["trian"], ["train"], ["train", "--solver"], ["train", "--solver", "s", "--nonsense"]],
)
def test_what_the_parser_refuses_is_code_2(capsys, argv):
    with pytest.raises(SystemExit) as error:
        main(argv)
    assert error.value.code == 2


def test_unknown_fields_can_be_a_warning(job, capsys):
    job.change("net.prototxt", "num_output: 12", "num_output: 12 fancy_field: 3")
    job.change("solver.prototxt", "max_iter: 24", "max_iter: 1")
    assert main(["train", "--solver", "solver.prototxt", "--unknown-fields=warn"]) == 0
    assert "fancy_field" in capsys.readouterr().err


@pytest.mark.parametrize(
    "written, options, error",
    [
        (
            'layer { name: "a" type: "Pooling" pooling_param { pool: MAXX } }',
            ["--unknown_fields", "warn"],
            '"pool" has no value "MAXX"',
        ),
        ('net: "n" base_lr: 1 base_rate: 2', [], 'SolverParameter has no field "base_rate"'),
        ('lr_policy: "step" layer { }', [], "this looks like a net file where a solver is expe"),
        ("base_lr: 1", [], "no train net; give one of"),
    ],
)
def test_summary_reports_the_error_of_what_the_file_is(written, options, error, tmp_path, capsys):
    path = tmp_path / "file.prototxt"
    path.write_text(written)
    assert main(["summary", str(path), *options]) == 1
    assert error in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (("trian",), 'unknown command "trian"; did you mean "train"?'),
        (("prepare", "vidoes"), 'unknown command "vidoes"; did you mean "videos"?'),
        (("zzz",), 'unknown command "zzz"; known are fit, train, test'),
        (("train", "--solvr", "s"), 'unknown option --solvr; did you mean "--solver"?'),
        (("train", "-log_dri=x"), 'unknown option --log-dri; did you mean "--log-dir"?'),
        (("train",), "the following arguments are required: --solver"),
        (("test", "--model", "a", "--weights", "b", "c"), "unexpected argument c"),
        (("upgrade", "nte", "a", "b"), "argument KIND: invalid choice: 'nte'"),
        (("dataset", "digits", "--forms", "lmdb"), "unknown option --forms"),
        (("dataset", "digits", "--train_clips", "3"), "unknown option --train-clips"),
        (
            ("dataset", "moving_digits", "--forms", "lmbd"),
            'unknown form "lmbd"; did you mean "lmdb"',
        ),
        (("prepare", "moving_digits", "--test-clips", "0"), "expected an integer of at least 1"),
        (("prepare",), "the following arguments are required: TASK"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_words_that_are_not_understood(capsys, argv, expected):
    with pytest.raises(SystemExit) as error:
        main(argv)
    (line,) = capsys.readouterr().err.splitlines()
    assert error.value.code == 2
    assert line.startswith("caffe_lite") and expected in line and line.endswith(" --help)")


def shown_options(capsys, *argv):
    with pytest.raises(SystemExit):
        main([*argv, "--help"])
    return set(re.findall(r"(?<!\S)-+[a-z][\w-]*", capsys.readouterr().out))


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_shows_each_option_in_one_spelling(capsys, command):
    options = shown_options(capsys, command)
    assert not {option for option in options if "_" in option}, options


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (("summary", "net.prototxt", "--shape", "ip1=3,3"), "its shape follows from the net"),
        (("summary", "net.prototxt", "--shape", "dta=3,3"), "no layer has such a top"),
        (("summary", "solver.prototxt", "--level", "0"), "--level has no effect on a solver"),
        (("summary", "solver.prototxt", "--stage", "a"), "--stage has no effect on a solver"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_options_without_an_effect_are_refused(job, capsys, argv, expected):
    assert expected in last_line(capsys, *argv, code=2)


@pytest.mark.parametrize(
    ("earlier", "now"),
    [
        (("dataset", "digits"), ("prepare", "digits")),
        (("dataset", "--out", "x", "moving_digits"), ("prepare", "moving_digits", "--out", "x")),
        (("video", "frames", "a", "--out", "b"), ("prepare", "videos", "a", "--out", "b")),
        (("video", "flow", "a", "--out", "b"), ("prepare", "flow", "a", "--out", "b")),
        (("video", "lists", "a", "--out", "b"), ("prepare", "lists", "a", "--out", "b")),
        (
            ("captions", "prepare", "--annotations", "a", "--images", "b", "--out", "c"),
            ("prepare", "captions", "--annotations", "a", "--images", "b", "--out", "c"),
        ),
        (("device-query",), ("device_query",)),
        (
            ("classify", "a", "--net", "n", "--weights", "w", "--flow=f"),
            ("classify-video", "a", "--net", "n", "--weights", "w", "--flow=f"),
        ),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_earlier_names_are_aliases(earlier, now):
    assert vars(parse(earlier)) == vars(parse(now))
