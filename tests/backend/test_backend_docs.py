"""The backends' README: its table of operations is up to date, and what it names is there."""

import re

from tools import gen_backend_docs
from tools.gen_backend_docs import README, ROOT

BACKEND = README.parent
TEXT = README.read_text(encoding="utf-8")


def test_the_table_is_up_to_date():
    assert gen_backend_docs.page(TEXT) == TEXT, "run python tools/gen_backend_docs.py"


def test_a_cell_names_the_class_that_a_backend_runs():
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", gen_backend_docs.table(), re.MULTILINE))
    assert rows["gemm"] == "ReferenceArrays | CpuArrays | NativeArrays | GpuArrays"
    assert rows["convolution_relu"] == "ReferenceConvolution | ← | ← | GpuConvolution"
    assert rows["lstm_unit"] == "ReferenceRecurrent | CpuSliced | NativeRecurrent | GpuRecurrent"
    assert rows["host_rng"] == "ReferenceRandom | ← | ← | `Ops`"


def test_every_file_that_it_names_is_there():
    names = re.findall(r"`([\w/]+\.(?:py|c|h|cu))`", TEXT)
    assert len(names) > 30
    for name in names:
        found = (ROOT / name).exists() or list(BACKEND.rglob(name))
        assert found, f"{README}: there is no {name}"


def test_every_constant_that_it_names_is_there():
    source = "\n".join(p.read_text() for p in sorted(BACKEND.rglob("*.[ch]")))
    names = set(re.findall(r"`([A-Z]+_[A-Z_]+)`", TEXT))
    assert "TILE_ROWS" in names
    for name in names:
        assert re.search(rf"\b{name}\b", source), f"{README}: native/ has no {name}"
