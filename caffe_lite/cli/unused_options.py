"""Options that were given but have no effect: refused, so that nobody believes they did."""

import argparse
from collections.abc import Iterable

from caffe_lite.errors import UsageError


def refuse(args: argparse.Namespace, names: Iterable[str], reason: str) -> None:
    """Raise UsageError if one of the options `names` was given.

    An option counts as given if it is neither None, False nor an empty list, so its default must be
    one of these. `reason` completes "--NAME has no effect ...".
    """
    for name in names:
        value = getattr(args, name)
        if value is not None and value is not False and value != []:
            raise UsageError(f"--{name.replace('_', '-')} has no effect {reason}; leave it out")
