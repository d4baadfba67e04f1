"""Saved states that inflate, or hold more than their bytes: errors before memory is taken."""

import io
import json
import zipfile

import numpy as np
import pytest

from caffe_lite.weights import payload


def test_compressed_states_are_refused():
    file = io.BytesIO()
    text = np.frombuffer(json.dumps({"a": {"__array__": "array0"}}).encode(), np.uint8)
    np.savez_compressed(file, json=text, array0=np.zeros(1 << 20))
    with pytest.raises(ValueError, match="its arrays are larger than its [0-9]+ bytes"):
        payload.loads(file.getvalue())


def test_members_that_share_their_bytes_are_refused():
    whole = payload.dumps({"a": np.arange(3000.0)})
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        member = next(each for each in archive.infolist() if each.filename != "json.npy")
    start = whole.rindex(b"PK\1\2", 0, whole.rindex(member.filename.encode()))
    end = whole.index(b"PK\5\6")
    entry = whole[start:end]
    central = whole.index(b"PK\1\2")
    entries = whole[central:start] + entry * 9
    tail = bytearray(whole[end:])
    count = (len(entries) // len(entry)).to_bytes(2, "little")
    tail[8:12] = count + count
    tail[12:16] = len(entries).to_bytes(4, "little")
    with pytest.raises(ValueError, match="the saved state is damaged"):
        payload.loads(whole[:central] + entries + bytes(tail))
