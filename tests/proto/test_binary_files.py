"""Binary files: whole or refused, and never half written."""

import os
import stat

import pytest

from caffe_lite.errors import CaffeError, PrototxtError
from caffe_lite.proto import binary, schema
from caffe_lite.proto.atomic import atomic_path
from tests.proto.real_files import FILES

NET = schema.NetParameter(
    name="n",
    layer=[schema.LayerParameter(name="fc", blobs=[schema.BlobProto(data=[0.5] * 50)])],
)


def test_round_trip(tmp_path):
    path = tmp_path / "n.caffemodel"
    binary.write(path, NET)
    assert path.read_bytes() == NET.SerializeToString()
    assert binary.read(path, schema.NetParameter) == NET
    assert os.listdir(tmp_path) == ["n.caffemodel"]


def test_every_truncation_is_refused_or_shorter(tmp_path):
    data = NET.SerializeToString()
    for length in range(2, len(data)):
        try:
            net = binary.decode(data[:length], schema.NetParameter, "f")
        except PrototxtError as error:
            assert str(error) == (
                f"f: not a binary NetParameter: it is damaged or cut short ({length} bytes)"
            )
        else:  # cut between two fields: nothing tells
            assert net == schema.NetParameter(name="n") and length == 3


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'name: "n"', "not a binary NetParameter: it is text; give the binary file here"),
        (FILES["an HDF5 file"], "this is an HDF5 file; a binary NetParameter is expected here"),
        (b"version https://git-lfs.github.com/spec/v1", "this is a Git LFS pointer"),
        (b"\xf8\x07\x01", "not a binary NetParameter: it holds none of its fields"),
        (b"", "the file is empty"),
    ],
)
def test_wrong_files(tmp_path, data, expected):
    path = tmp_path / "n.caffemodel"
    path.write_bytes(data)
    with pytest.raises(PrototxtError) as caught:
        binary.read(path, schema.NetParameter)
    assert str(caught.value).startswith(f"{path}: {expected}")


def test_a_message_without_its_required_fields_is_not_written(tmp_path):
    path = tmp_path / "n.caffemodel"
    path.write_bytes(b"old")
    net = schema.NetParameter(layer=[schema.LayerParameter(clip_param=schema.ClipParameter())])
    with pytest.raises(PrototxtError, match=r"n\.caffemodel: cannot be written: .*clip_param\.min"):
        binary.write(path, net)
    assert path.read_bytes() == b"old"


def test_failure_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "a.h5"
    path.write_bytes(b"old")
    for failure in (RuntimeError("broken"), KeyboardInterrupt()):
        with pytest.raises(type(failure)), atomic_path(path) as temporary:
            assert temporary.parent == tmp_path and temporary.suffix == ".h5"
            temporary.write_bytes(b"half")
            assert path.read_bytes() == b"old"
            raise failure
    assert os.listdir(tmp_path) == ["a.h5"]
    assert path.read_bytes() == b"old"


def test_file_system_errors_become_one_line(tmp_path):
    with pytest.raises(CaffeError, match=r"no/a\.h5: cannot be written: No such file or directory"):
        with atomic_path(tmp_path / "no" / "a.h5"):
            pytest.fail("the block must not run")
    (tmp_path / "folder").mkdir()
    with pytest.raises(CaffeError, match="folder: cannot be written: Is a directory"):
        binary.write(tmp_path / "folder", NET)
    with pytest.raises(CaffeError, match="a: cannot be written: No space left on device"):
        with atomic_path(tmp_path / "a"):
            raise OSError(28, "No space left on device")
    assert os.listdir(tmp_path) == ["folder"]


def test_permissions(tmp_path):
    path = tmp_path / "a"
    mask = os.umask(0o027)
    try:
        binary.write(path, NET)
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        path.chmod(0o604)
        binary.write(path, NET)
        assert stat.S_IMODE(path.stat().st_mode) == 0o604
    finally:
        os.umask(mask)


def test_links_are_followed_and_pipes_written_directly(tmp_path):
    (tmp_path / "real").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "real" / "n.caffemodel")
    binary.write(link, NET)
    assert link.is_symlink()
    assert (tmp_path / "real" / "n.caffemodel").read_bytes() == NET.SerializeToString()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        binary.write(pipe, NET)
        assert os.read(reader, 1000) == NET.SerializeToString()
    finally:
        os.close(reader)


def test_a_net_of_too_many_parts_is_refused_before_it_takes_memory():
    layer = b"\xa2\x06\x00"  # field 100, empty
    few = binary.decode(layer * 40_000, schema.NetParameter, "few")
    assert len(few.layer) == 40_000
    with pytest.raises(PrototxtError, match="^many: it has 60000 parts .*; the most is 50000"):
        binary.decode(layer * 60_000, schema.NetParameter, "many")
