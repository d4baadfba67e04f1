"""A hook of the documentation site: links from docs/ to files outside it become plain text.

A reader of the checkout follows `../benchmarks/results/cpu_ops.md`; the site does not have that
file, so its name is shown instead. A link to a file that does not exist fails the build.
"""

import re
from pathlib import Path
from typing import Any

import caffe_lite

ROOT = Path(__file__).resolve().parent.parent
INSTALLED = Path(caffe_lite.__file__).resolve().parent.parent  # may be all that has caffe_lite/
_LINK = re.compile(r"\[([^\]]*)\]\(((?:\.\./)+[^)#\s]+)(?:#[^)]*)?\)")


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Called by mkdocs for the text of each page."""
    folder = (ROOT / "docs" / page.file.src_uri).parent

    def replace(link: re.Match[str]) -> str:
        target = (folder / link[2]).resolve()
        if target.is_relative_to(ROOT / "docs"):
            return link[0]
        name = target.relative_to(ROOT)
        if not (target.exists() or (INSTALLED / name).exists()):
            raise FileNotFoundError(f"docs/{page.file.src_uri}: {link[2]} does not exist")
        shown = f"`{name.as_posix()}`"
        return shown if link[1] == name.as_posix() else f"{link[1]} ({shown})"

    return _LINK.sub(replace, markdown)
