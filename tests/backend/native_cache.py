"""A compiler that takes no time, for tests of the cache: it copies a library built before."""

import os
import subprocess
import sys
from functools import cache

from caffe_lite.backend.native import build

FAKE_COMPILER = """#!/bin/sh
echo "$*" >> "$0.calls"
{body}
for word; do last=$target; target=$word; [ "$last" = -o ] && output=$word; done
case "$*" in
    *-shared*) cp {library} "$output" ;;
    *) : > "$output" ;;
esac
"""


@cache
def real_library():
    """A library in the user's own cache, compiled now if need be."""
    return build.library("float")


def fake_compiler(folder, body=""):
    """Writes `folder`/cc, which runs `body` first; its calls are appended to `folder`/cc.calls."""
    folder.mkdir(exist_ok=True)
    compiler = folder / "cc"
    compiler.write_text(FAKE_COMPILER.format(body=body, library=real_library()))
    compiler.chmod(0o755)
    return compiler


def python(code, cache_folder, compiler, **options):
    """Start Python with this cache, and this compiler first on the PATH."""
    environment = {
        **os.environ,
        "CAFFE_LITE_CACHE": str(cache_folder),
        "PATH": f"{compiler.parent}{os.pathsep}{os.environ['PATH']}",
    }
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )
