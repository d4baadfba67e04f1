"""The progress of a long task: a live line on a terminal, elsewhere a log line every 30 s."""

import logging
import time

from caffe_lite.cli.log import LiveHandler

log = logging.getLogger("caffe_lite.progress")

_EVERY = 30.0  # seconds between log lines where there is no terminal


def duration(seconds: float) -> str:
    """Seconds, minutes or hours for people: "95 s", "12 min", "7.5 h"."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


class Progress:
    """Shows how much of a task is done, and estimates how long the rest will take."""

    def __init__(self, live: LiveHandler) -> None:
        self.live = live
        self._began = self._logged = time.monotonic()

    def report(self, what: str, done: int, total: int) -> None:
        """Show that `done` of the `total` parts of the task `what` are done."""
        now = time.monotonic()
        left = ""
        if done:
            left = f", {duration((now - self._began) / done * (total - done))} left"
        line = f"{what}: {done} of {total}{left if done < total else ''}"
        if self.live.is_live:
            self.live.show(line)
        elif now - self._logged > _EVERY:
            self._logged = now
            log.info("%s", line)
