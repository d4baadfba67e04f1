"""Layers of forks against the forks, by the cases of tools/record_forks_with_caffe.py."""

from pathlib import Path

import numpy as np
import pytest

from caffe_lite.backend import get_ops
from caffe_lite.testing import make_layer

FILES = sorted((Path(__file__).parents[1] / "reference/forks").glob("caffe_*.npz"))
RECORDS = {path.stem.removeprefix("caffe_"): np.load(path) for path in FILES}
CASES = sorted(
    {(family, name.split("/")[0]) for family, record in RECORDS.items() for name in record.files}
)


def parts(record, case, kind):
    start = f"{case}/{kind}/"
    found = {int(name[len(start) :]): name for name in record.files if name.startswith(start)}
    return {i: record[found[i]] for i in sorted(found)}


def check(what, mine, theirs):
    scale = max(np.abs(theirs).max(initial=0), 1e-3)
    assert mine.size == theirs.size, (what, mine.shape, theirs.shape)
    theirs = theirs.reshape(mine.shape)
    np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-5 * scale, err_msg=what)


@pytest.mark.parametrize(("family", "case"), CASES)
def test_results_are_those_of_the_fork(family, case):
    record = RECORDS[family]
    text = str(record[f"{case}/layer"])
    phase = "TEST" if "phase: TEST" in text else "TRAIN"
    tops, blobs = parts(record, case, "top"), parts(record, case, "blob")
    run = make_layer(
        text,
        list(parts(record, case, "bottom").values()),
        ops=get_ops(dtype="float32"),
        phase=phase,
        tops=len(tops),
    )
    for blob, values in zip(run.layer.blobs, blobs.values(), strict=True):
        blob.data[...] = values.reshape(blob.shape)
    for _ in range(int(record[f"{case}/forwards"])):
        found = run.forward()
    for i, theirs in tops.items():
        check(f"top[{i}]", found[i], theirs)
    for i, theirs in parts(record, case, "blob_after").items():
        check(f"blobs[{i}].data", run.layer.blobs[i].data, theirs)
    flags = record[f"{case}/flags"].tolist()
    if not flags:
        return
    diffs = [
        diff.reshape(blob.shape)
        for diff, blob in zip(parts(record, case, "top_diff").values(), run.top, strict=True)
    ]
    bottom, learned = run.backward(diffs, flags)
    for i, theirs in parts(record, case, "bottom_diff").items():
        assert np.abs(theirs).max() > 0
        check(f"bottom[{i}].diff", bottom[i], theirs)
    for i, theirs in parts(record, case, "blob_diff").items():
        check(f"blobs[{i}].diff", learned[i], theirs)
