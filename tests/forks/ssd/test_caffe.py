"""SSD's layers against SSD's own Caffe, by the cases of tools/record_ssd_with_caffe.py."""

from pathlib import Path

import numpy as np
import pytest

from caffe_lite.backend import get_ops
from caffe_lite.testing import make_layer

RECORD = np.load(Path(__file__).parents[2] / "reference/forks/ssd_caffe.npz")
RECORDED = sorted({name.split("/")[0] for name in RECORD.files})


def arrays(case, kind):
    found = [name for name in RECORD.files if name.startswith(f"{case}/{kind}/")]
    return [RECORD[name] for name in sorted(found)]


@pytest.mark.parametrize("case", RECORDED)
def test_results_are_those_of_caffe(case):
    text = str(RECORD[f"{case}/layer"])
    run = make_layer(text, arrays(case, "bottom"), ops=get_ops(dtype="float32"))
    for blob, values in zip(run.layer.blobs, arrays(case, "blob"), strict=True):
        blob.data[...] = values
    (top,) = run.forward()
    expected = RECORD[f"{case}/top"]
    np.testing.assert_allclose(top, expected.reshape(top.shape), rtol=1e-5, atol=1e-6)
    flags = RECORD[f"{case}/flags"].tolist()
    if not flags:
        return
    bottom, blobs = run.backward([RECORD[f"{case}/top_diff"]], flags)
    asked = [diff for diff, flag in zip(bottom, flags, strict=True) if flag]
    for mine, theirs in zip(
        [*asked, *blobs], arrays(case, "bottom_diff") + arrays(case, "blob_diff"), strict=True
    ):
        assert np.abs(theirs).max() > 0
        np.testing.assert_allclose(mine, theirs.reshape(mine.shape), rtol=1e-4, atol=1e-6)
