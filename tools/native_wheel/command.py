"""The `bdist_wheel` command that setup.py registers: it adds the compiled C library.

On Linux on x86-64, with a C compiler and binutils, the wheel holds the library and has a platform
tag. Elsewhere, or with CAFFE_LITE_NATIVE=0, it is the pure wheel, and the library is compiled on
first use.
"""

import logging
import os
import platform
import sys
from pathlib import Path

from setuptools.command.bdist_wheel import bdist_wheel

from . import tags, variants

MACHINE = "x86_64"
TARGET = Path("caffe_lite/backend/native/library.so")


class NativeWheel(bdist_wheel):
    """Compiles the library into the build folder before the wheel is filled from there."""

    platform_tag: str | None = None

    def run(self) -> None:
        target = Path(self.get_finalized_command("build").build_lib) / TARGET
        target.unlink(missing_ok=True)  # of an earlier build in this tree
        if _possible():
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                self.platform_tag = tags.platform_tag(variants.build(target), MACHINE)
            except variants.BuildError as problem:
                target.unlink(missing_ok=True)
                logging.warning("a pure wheel, without the C library: %s", problem)
            else:
                self.root_is_pure = False
                self.distribution.has_ext_modules = lambda: True
        super().run()

    def get_tag(self) -> tuple[str, str, str]:
        if self.platform_tag is None:
            return super().get_tag()
        return "py3", "none", self.platform_tag


def _possible() -> bool:
    wanted = os.environ.get("CAFFE_LITE_NATIVE", "1") != "0"
    here = sys.platform == "linux" and platform.machine() == MACHINE and sys.maxsize > 2**32
    return wanted and here
