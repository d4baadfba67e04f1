"""The pages of the commands: one for each, with the help that it prints now."""

import sys

import pytest

from tools import gen_command_docs


@pytest.mark.skipif(
    sys.version_info[:2] != (3, 11), reason="argparse lays its help out by Python's version"
)
def test_pages_are_up_to_date():
    made = gen_command_docs.pages(gen_command_docs.kept_outputs())
    there = {path: path.read_text(encoding="utf-8") for path in gen_command_docs.PAGES.glob("*.md")}
    assert set(there) == set(made), "run tools/gen_command_docs.py"
    for path, text in made.items():
        assert there[path] == text, f"{path.name}: run tools/gen_command_docs.py"


def test_every_example_has_its_output():
    names = [name for name, _ in gen_command_docs.EXAMPLES]
    assert set(gen_command_docs.kept_outputs()) == set(names)
    assert len(set(names)) == len(names)
