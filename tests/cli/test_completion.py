"""The completion scripts, run in the shells that they are for."""

import shutil
import subprocess

import pytest

from caffe_lite.cli import COMMANDS, build_parser, main
from caffe_lite.cli.completion_scripts import zsh
from caffe_lite.cli.completion_tree import read_tree

LINES = [
    ("", {*COMMANDS, "train", "fit"}, {"--solver"}),
    ("tra", {"train"}, {"test", "fit"}),
    ("train --sol", {"--solver"}, {"--weights"}),
    ("train --log-dir logs --", {"--solver", "--csv", "--tensorboard"}, {"--epochs"}),
    ("train --on-nan ", {"stop", "warn", "ignore"}, {"train", "table.prototxt"}),
    ("prepare ", {"digits", "captions"}, {"train"}),
    ("prepare dig", {"digits"}, {"captions"}),
    ("completion ", {"bash", "zsh", "fish"}, {"train"}),
    ("summary tab", {"table.prototxt"}, {"test"}),  # a file
    ("summary train --", {"--phase"}, {"--solver"}),  # a file that is called as a command
]


def needs(shell):
    return pytest.mark.skipif(shutil.which(shell) is None, reason=f"needs {shell}")


def shell(*command):
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, ""), run.stderr
    return run.stdout.splitlines()


@pytest.fixture
def script(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "table.prototxt").touch()

    def write(name):
        assert main(["completion", name]) == 0
        (tmp_path / "script").write_text(capsys.readouterr().out)

    return write


@needs("bash")
def test_bash(script):
    script("bash")
    asks = []
    for line, _, _ in LINES:
        # bash offers files itself if the function has no answer, as `complete -o default` says.
        asks.append(
            f"COMP_WORDS=(caffe_lite {line}); [[ '{line}' == *' ' || -z '{line}' ]] && "
            "COMP_WORDS+=(''); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _caffe_lite; "
            "[[ ${#COMPREPLY[@]} == 0 ]] && COMPREPLY=($(compgen -f -- ${COMP_WORDS[COMP_CWORD]}));"
            'echo "${COMPREPLY[@]}"'
        )
    answers = shell("bash", "--norc", "-c", "source ./script\n" + "\n".join(asks))
    for (line, wanted, others), answer in zip(LINES, answers, strict=True):
        assert wanted <= set(answer.split()), line
        assert not others & set(answer.split()), line


@needs("fish")
def test_fish(script):
    script("fish")
    asks = "; ".join(f"echo (complete -C 'caffe_lite {line}' | cut -f1)" for line, _, _ in LINES)
    answers = shell("fish", "--no-config", "-c", f"source ./script; {asks}")
    for (line, wanted, others), answer in zip(LINES, answers, strict=True):
        assert all(word in answer for word in wanted), line
        assert not others & set(answer.split()), line


@needs("zsh")
def test_zsh_reads_its_script(script):
    script("zsh")
    shell("zsh", "-f", "-n", "script")
    found = shell(
        *("zsh", "-f", "-c"),
        "autoload -Uz compinit && compinit -u -D && source ./script && "
        "print $_comps[caffe_lite] && whence -w _caffe_lite_prepare_digits",
    )
    assert found == ["_caffe_lite", "_caffe_lite_prepare_digits: function"]


def test_every_command_and_option_is_known():
    tree = read_tree(build_parser())
    assert [each.path[-1] for each in tree.commands] == list(COMMANDS)
    train = tree.commands[COMMANDS.index("train")]
    by_name = {option.names[-1]: option for option in train.options}
    assert by_name["--on-nan"].choices == ("stop", "warn", "ignore")
    assert by_name["--resume"].takes_value is False and "--phase" not in by_name
    text = zsh(tree)
    assert (
        r"'--on-nan=[what to do when the displayed loss" in text and ":(stop warn ignore)" in text
    )
