"""The cache of compiled code: damage, strangers, two builders, killed builders."""

import logging
import os
import signal
import time
from pathlib import Path

import pytest

from caffe_lite.backend import cache, native
from caffe_lite.backend.native import build, packaged
from tests.backend.native_cache import fake_compiler, python, real_library

pytestmark = [
    pytest.mark.compiler,
    pytest.mark.skipif(os.name != "posix", reason="nothing is compiled on Windows"),
]


@pytest.fixture
def cached(tmp_path, monkeypatch, caplog):
    """load() -> the library, in a process that has loaded none, with a cache in `tmp_path`/cache.

    The cache already holds one entry.
    """
    compiler = fake_compiler(tmp_path / "bin")
    monkeypatch.setenv("CAFFE_LITE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CAFFE_LITE_NATIVE", raising=False)
    monkeypatch.setattr(build, "COMPILERS", (str(compiler),))
    monkeypatch.setattr(packaged, "PATH", tmp_path / "none.so")

    def load():
        native._load.cache_clear()
        return native.load("float32")

    assert load() is not None
    with caplog.at_level(logging.DEBUG, "caffe_lite.backend"):
        yield load
    native._load.cache_clear()


def entry(tmp_path):
    (found,) = (tmp_path / "cache").rglob("*.so")
    return found


def content(tmp_path):
    return {path.name for path in (tmp_path / "cache").rglob("*")}


def flip(data):
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:1000],
        lambda data: data[:-1],
        lambda data: data + b"\0",
        flip,
    ],
    ids=["empty", "cut to 1000", "one byte short", "one byte more", "one bit flipped"],
)
def test_a_damaged_entry_is_compiled_again_and_reported(cached, tmp_path, caplog, damage):
    before, path = content(tmp_path), entry(tmp_path)
    whole = path.read_bytes()
    path.unlink()  # the file itself is in use by this process
    path.write_bytes(damage(whole))
    path.chmod(0o700)
    assert cached() is not None
    assert native.unavailable_reason("float32") is None
    assert entry(tmp_path).read_bytes() == whole and content(tmp_path) == before
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "damaged" in record.message and str(entry(tmp_path)) in record.message


@pytest.mark.parametrize("name", ["", "native"])
@pytest.mark.parametrize("mode", [0o770, 0o702])
def test_a_folder_that_others_can_write_to_is_not_trusted(cached, tmp_path, caplog, name, mode):
    folder = tmp_path / "cache" / name
    folder.chmod(mode)
    assert cached() is None and cached() is None
    reason = native.unavailable_reason("float32")
    assert f"{folder}: not trusted: others can write to it (mode {mode:o})" in reason
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert reason in caplog.text


def test_a_folder_of_another_user_is_not_trusted(cached, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: os.stat(tmp_path).st_uid + 1)
    assert cached() is None
    assert "not trusted: it belongs to another user" in native.unavailable_reason("float32")
    assert "not trusted" in caplog.text


def test_a_file_that_others_can_write_to_is_compiled_again(cached, tmp_path, caplog):
    entry(tmp_path).chmod(0o720)
    assert cached() is not None
    assert entry(tmp_path).stat().st_mode & 0o777 == 0o700
    assert "others can write to it (mode 720)" in caplog.text


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root can give files away")
def test_a_file_of_another_user_is_compiled_again(cached, tmp_path, caplog):
    os.chown(entry(tmp_path), 12345, -1)
    assert cached() is not None
    assert entry(tmp_path).stat().st_uid == os.getuid()
    assert "it belongs to another user (uid 12345)" in caplog.text


def test_folders_are_private_whatever_the_umask(cached, tmp_path, monkeypatch):
    monkeypatch.setenv("CAFFE_LITE_CACHE", str(tmp_path / "new" / "cache"))
    former = os.umask(0)
    try:
        assert cached() is not None
    finally:
        os.umask(former)
    made = [tmp_path / "new" / "cache", *(tmp_path / "new" / "cache").rglob("*")]
    assert {path.stat().st_mode & 0o777 for path in made} == {0o700}


def test_the_content_reaches_the_disk_before_the_name(cached, tmp_path, monkeypatch):
    calls = []
    sync, replace = os.fsync, os.replace

    def record_sync(handle):
        calls.append(f"sync {Path(os.readlink(f'/proc/self/fd/{handle}')).name}")
        sync(handle)

    def record_replace(source, target):
        calls.append("replace")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", record_sync)
    monkeypatch.setattr(os, "replace", record_replace)
    entry(tmp_path).unlink()
    assert cached() is not None
    assert calls == ["sync library.so", "replace", "sync native"]


LOAD = (
    "import logging; logging.basicConfig(); from caffe_lite.backend import native\n"
    "from caffe_lite.backend.native import packaged\n"
    "packaged.PATH = packaged.PATH.with_name('none.so')\n"
    "library = native.load('float32'); print(library and library.without_gil.pool_threads())"
)


def test_two_processes_that_build_at_once_build_once(tmp_path):
    compiler = fake_compiler(tmp_path / "bin", body="sleep 0.1")
    both = [python(LOAD, tmp_path / "cache", compiler) for _ in range(2)]
    for process in both:
        output, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (0, "") and int(output) > 0
    calls = (tmp_path / "bin" / "cc.calls").read_text().splitlines()
    assert len([call for call in calls if "-shared" in call]) == 1
    assert content(tmp_path) == {"native", entry(tmp_path).name}


def alive(number):
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_compilers_end_with_their_parent_and_the_next_run_tidies_up(tmp_path, number):
    """Also the compiler's own children, as cc1 is one of gcc."""
    hanging = f"sleep 300 & echo $! >> {tmp_path}/pids; wait"
    compiler = fake_compiler(tmp_path / "bin", body=hanging)
    # A shell that runs the tests in the background has its children ignore SIGINT.
    heeding = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    process = python(heeding + LOAD, tmp_path / "cache", compiler)
    pids = tmp_path / "pids"
    assert wait_until(lambda: pids.exists() and len(pids.read_text().split()) >= 2)
    children = [int(word) for word in pids.read_text().split()]
    assert all(map(alive, children))
    process.send_signal(number)
    process.communicate(timeout=60)
    children = [int(word) for word in pids.read_text().split()]
    assert wait_until(lambda: not any(map(alive, children)))
    if number == signal.SIGKILL:
        assert list((tmp_path / "cache").rglob(f"{cache.DRAFT}*"))
    again = python(LOAD, tmp_path / "cache", fake_compiler(tmp_path / "bin"))
    assert again.communicate(timeout=60)[1] == ""
    assert content(tmp_path) == {"native", entry(tmp_path).name}


def test_drafts_of_a_process_at_work_are_kept(cached, tmp_path):
    draft = tmp_path / "cache" / "native" / f"{cache.DRAFT}x"
    draft.write_text("")
    with cache.locked(draft.parent):
        cache.open_folder(draft.parent)
        assert draft.exists()
    assert cached() is not None
    assert not draft.exists()


def no_home():
    raise RuntimeError("Could not determine home directory.")


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ("CAFFE_LITE_NATIVE=0", "CAFFE_LITE_NATIVE=0 turns it off"),
        ("no compiler", "no C compiler (no-cc) on the PATH"),
        ("no cache wanted", "no folder for compiled code: CAFFE_LITE_CACHE is empty"),
        ("no home", "or no home is set"),
        ("no cache possible", "bin/cc: cannot hold the cache: File exists"),
        ("compiler fails", "cc failed: x.c:1: error: no such thing"),
        ("does not load", "the compiled library does not load: "),
    ],
)
def test_the_reason_is_one_line(cached, tmp_path, monkeypatch, trouble, reason):
    if trouble == "CAFFE_LITE_NATIVE=0":
        monkeypatch.setenv("CAFFE_LITE_NATIVE", "0")
    elif trouble == "no compiler":
        monkeypatch.setattr(build, "COMPILERS", ("no-cc",))
    elif trouble == "no cache wanted":
        monkeypatch.setenv("CAFFE_LITE_CACHE", "")
    elif trouble == "no home":
        monkeypatch.delenv("CAFFE_LITE_CACHE")
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        monkeypatch.setattr(Path, "home", no_home)
    elif trouble == "no cache possible":
        monkeypatch.setenv("CAFFE_LITE_CACHE", str(tmp_path / "bin" / "cc" / "cache"))
    elif trouble == "compiler fails":
        fail = "echo x.c: In function: >&2; echo x.c:1: error: no such thing >&2; exit 1"
        fake_compiler(tmp_path / "bin", body=fail)
    else:
        fake_compiler(tmp_path / "bin", body='printf x > "$0.o"').write_text(
            (tmp_path / "bin" / "cc").read_text().replace(str(real_library()), '"$0.o"')
        )
    assert cached() is None
    found = native.unavailable_reason("float32")
    assert reason in found and "\n" not in found
