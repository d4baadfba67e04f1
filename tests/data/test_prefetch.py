"""Reading ahead: order, states, errors, and threads that end."""

import gc
import os
import subprocess
import sys
import threading
import time
import traceback

import pytest

from caffe_lite.data.prefetch import Prefetcher


class Counter:
    """Numbers from 1; its state is the last number made. Fails at `fault`."""

    def __init__(self, depth=3, fault=None):
        self.made = 0
        self.fault = fault
        self.ahead = Prefetcher(self.make, depth, state=0)

    def make(self):
        if self.made + 1 == self.fault:
            raise ZeroDivisionError("a broken source")
        self.made += 1
        return self.made, self.made


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    gc.collect()
    assert [t for t in threading.enumerate() if t.name == "prefetch"] == []


def wait_until(condition):
    for _ in range(500):
        if condition():
            return
        time.sleep(0.01)
    raise TimeoutError


def test_order_and_state_of_what_was_consumed():
    counter = Counter()
    assert counter.ahead.state == 0
    for number in range(1, 30):
        assert counter.ahead.get() == number == counter.ahead.state
    counter.ahead.close()


@pytest.mark.parametrize("depth", [1, 3])
def test_how_far_ahead(depth):
    counter = Counter(depth)
    assert counter.made == 0
    counter.ahead.get()
    wait_until(lambda: counter.made == depth + 2)  # consumed, waiting, and one in hand
    time.sleep(0.02)
    assert counter.made == depth + 2
    counter.ahead.close()


def test_restarting_from_the_state():
    counter = Counter()
    for _ in range(5):
        counter.ahead.get()
    counter.ahead.close()
    assert counter.made > 5
    counter.made = counter.ahead.state
    assert [counter.ahead.get() for _ in range(3)] == [6, 7, 8]
    counter.ahead.close()
    counter.ahead.close()


def test_an_error_comes_in_its_turn_with_the_workers_traceback():
    counter = Counter(fault=4)
    assert [counter.ahead.get() for _ in range(3)] == [1, 2, 3]
    depths = set()
    for _ in range(3):
        with pytest.raises(ZeroDivisionError, match="a broken source") as error:
            counter.ahead.get()
        frames = [frame.name for frame in traceback.extract_tb(error.value.__traceback__)]
        assert frames[-1] == "make"
        depths.add(len(frames))
        del error
    assert len(depths) == 1  # raising again adds no frames
    assert counter.ahead.state == 3
    counter.ahead.close()
    counter.fault, counter.made = None, 3
    assert counter.ahead.get() == 4
    counter.ahead.close()


def test_a_forgotten_owner_takes_its_thread_along():
    Counter().ahead.get()


def test_the_process_ends_with_a_prefetcher_running():
    code = """
import time
from caffe_lite.data.prefetch import Prefetcher
def make():
    time.sleep(0.01)
    return 1, 1
ahead = Prefetcher(make)
ahead.get()
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


FORKED = """
import os, sys
from caffe_lite.data.prefetch import Prefetcher
from caffe_lite.errors import DataError

numbers = iter(range(1000))
def make():
    number = next(numbers)
    return number, number

ahead = Prefetcher(make)
if {started}:
    assert ahead.get() == 0
if os.fork() == 0:
    try:
        print("child", ahead.get())
    except DataError as error:
        print("child:", error)
    ahead.close()
    sys.exit()  # with the finalizers of the child
os.wait()
print("parent", ahead.get())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.parametrize("started", [True, False])
def test_a_fork_neither_hangs_nor_repeats(started):
    """A child whose copy of the queue nobody fills would wait for ever."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKED.format(started=started)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    child, parent = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    if started:
        assert child.startswith("child: this process was forked while a thread read data ahead")
        assert parent == "parent 1"
    else:  # the child starts a thread of its own
        assert (child, parent) == ("child 0", "parent 0")
