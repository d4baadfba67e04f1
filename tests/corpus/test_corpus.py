"""Inputs that were findings of tools/fuzz.py: each is read, or refused by one CaffeError.

Every NAME.txt says in its first line which reader NAME belongs to, then what went wrong.
"""

import importlib.util
import time
from pathlib import Path

import pytest

from caffe_lite.errors import CaffeError
from tools.fuzzing.readers import READERS
from tools.fuzzing.seeds import SEEDS
from tools.fuzzing.worker import SECONDS

NOTES = sorted(Path(__file__).parent.glob("*.txt"))


def read(name, data, folder):
    """Whether `data` is refused."""
    try:
        READERS[name](data, folder)
    except CaffeError as error:
        assert "\n" not in str(error)
        assert len(str(error)) < 2000
        return True
    return False


def needs(name):
    if name == "LevelDB" and importlib.util.find_spec("plyvel") is None:
        pytest.skip("plyvel (extra leveldb) is not installed")


@pytest.mark.filterwarnings("default")  # Pillow warns of damaged metadata
@pytest.mark.parametrize("note", NOTES, ids=lambda note: note.stem)
def test_findings_stay_mended(note, tmp_path):
    name = note.read_text().partition("\n")[0]
    needs(name)
    start = time.process_time()
    read(name, note.with_suffix("").read_bytes(), tmp_path)
    assert time.process_time() - start < SECONDS


@pytest.mark.parametrize("name", READERS)
def test_what_is_mutated_is_sound(name, tmp_path):
    """A reader that refused every seed would be fuzzed at its door only."""
    needs(name)
    seeds = SEEDS[name]()
    assert seeds
    refused = [i for i, data in enumerate(seeds) if read(name, data, tmp_path)]
    assert not refused
