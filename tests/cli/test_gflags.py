"""glog's flags and options before the command, as Caffe's tools take them."""

import argparse

import pytest

from caffe_lite import __version__
from caffe_lite.cli import main
from caffe_lite.cli.gflags import (
    command_first,
    plain_booleans,
    positionals_first,
    take_log_flags,
)
from caffe_lite.errors import UsageError


@pytest.mark.parametrize(
    ("words", "rest", "settings"),
    [
        ("train --logtostderr --solver s", "train --solver s", {}),
        ("train -alsologtostderr=1 -v=2", "train", {"v": "2"}),
        ("-minloglevel 1 train", "train", {"minloglevel": "1"}),
        ("train --stderrthreshold 2 --log-prefix=false", "train", {"log_prefix": "0"}),
        ("train --nolog_prefix --nologtostderr", "train", {"log_prefix": "0"}),
        ("train --nothing --weights v", "train --nothing --weights v", {}),
        ("train -- -v 1", "train -- -v 1", {}),
    ],
)
def test_flags_of_glog_are_taken_out(words, rest, settings):
    assert take_log_flags(words.split()) == (rest.split(), settings)


@pytest.mark.parametrize(
    ("words", "plain"),
    [
        ("a --one b --two 3 c", "a b c --one --two 3"),
        ("--two=3 a --one=false b", "a b --two=3"),
        ("--noone a --notwo 3", "a --notwo 3"),
        ("--one=yes a", "a --one"),
        ("a --many b c --one d", "a d --many b c --one"),
        ("--maybe b c", "c --maybe b"),
        ("--two 3 -- --one", "--two 3 -- --one"),
    ],
)
def test_words_may_alternate_and_switches_have_values(words, plain):
    parser = argparse.ArgumentParser()
    parser.add_argument("--one", action="store_true")
    parser.add_argument("--two")
    parser.add_argument("--many", nargs="*")
    parser.add_argument("--maybe", nargs="?")
    assert positionals_first(plain_booleans(words.split(), parser), parser) == plain.split()


def test_a_flag_without_its_value():
    with pytest.raises(UsageError, match="-v needs a value: -v=1"):
        take_log_flags(["train", "-v"])


@pytest.mark.parametrize(
    "line",
    [
        "-iterations=3 -model net.prototxt -weights w.caffemodel test",
        "-iterations 3 test -model net.prototxt -weights w.caffemodel",
        "--weights train --iterations 3 test --model net.prototxt",
        "--logtostderr test -iterations=3 -model net.prototxt -weights=test",
    ],
)
def test_options_before_the_command(line, job, capsys):
    assert main(line.split()) == 1
    assert "caffe_lite test: error: " in capsys.readouterr().err


def test_a_word_that_is_no_command_stays_where_it_is(capsys):
    assert command_first(["-solver", "s", "trian"], {}) == ["-solver", "s", "trian"]
    with pytest.raises(SystemExit):
        main(["-v"])
    assert "caffe_lite: -v needs a value" in capsys.readouterr().err


@pytest.mark.parametrize("line", ["-version", "--version", "train -version"])
def test_version(line, capsys):
    with pytest.raises(SystemExit, match="0"):
        main(line.split())
    assert capsys.readouterr().out == f"caffe_lite {__version__}\n"


def test_settings_apply_to_one_run(job, capsys):
    line = "time --model net.prototxt --iterations 1"
    assert main([*line.split(), "--minloglevel=2"]) == 0
    assert capsys.readouterr().err == ""
    assert main([*line.split(), "--nolog_prefix"]) == 0
    assert capsys.readouterr().err.startswith("Use CPU.\n")
    assert main(line.split()) == 0
    assert capsys.readouterr().err.startswith("I")
