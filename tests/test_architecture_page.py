"""docs/architecture.md names files that exist, and every part of the package."""

import re
from pathlib import Path

import pytest

from tools.architecture import MODULES, PACKAGE, ROWS, part_of

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text()
FROM_ROOT = ("tests/", "tools/", "docs/", "proto/caffe.proto", "CONTRIBUTING.md")
PATHS = sorted(
    {path for path in re.findall(r"`([\w./]+)`", PAGE) if re.search(r"/|\.md$|\.py$", path)}
)


@pytest.mark.parametrize("path", PATHS)
def test_paths_exist(path):
    base = ROOT if path.startswith(FROM_ROOT) else PACKAGE
    if path == "caffe_lite/" or path == "caffe_lite/x/y.py" or path == "tests/x/":
        return  # the rule itself
    assert (base / path).exists(), f"docs/architecture.md names {path}, which does not exist"


def test_every_part_is_in_its_row():
    parts = {part_of(path) for path in MODULES} - {"__init__", "__main__"}
    listed = re.findall(r"^\| (\d+) \| `(\w+)`:", PAGE, re.MULTILINE)
    assert {part: int(row) for row, part in listed} == {part: ROWS[part] for part in parts}
