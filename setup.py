"""Adds the compiled C library to the wheel; metadata and settings are in pyproject.toml."""

import sys
from pathlib import Path

from setuptools import setup

sys.path.insert(0, str(Path(__file__).resolve().parent / "tools"))

from native_wheel.command import NativeWheel  # noqa: E402

setup(cmdclass={"bdist_wheel": NativeWheel})
