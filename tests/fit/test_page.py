"""docs/your-own-images.md: its commands are ones that the parser takes, its files those of fit."""

import re
import shlex
from pathlib import Path

from caffe_lite.cli.commands import parse
from caffe_lite.fit.files import Files

PAGE = (Path(__file__).parents[2] / "docs" / "your-own-images.md").read_text()


def test_the_commands_are_understood():
    blocks = "\n".join(re.findall(r"^```\w*\n(.*?)^```", PAGE, re.M | re.S)).replace("\\\n", " ")
    commands = re.findall(r"^(?:\$ )?caffe_lite (.*)", blocks, re.M)
    assert len(commands) >= 7
    for line in commands:
        parse(shlex.split(line, comments=True))


def test_the_files_are_those_of_fit():
    files = Files("out")
    for path in vars(files).values():
        name = Path(path).name
        assert name in ("out", "snapshot", "unreadable.txt") or name in PAGE, name
