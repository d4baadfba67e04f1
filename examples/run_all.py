"""Run every script and notebook of this folder, and fail if one of them fails.

Needs the extra `examples`: pip install ".[examples]"
"""

import runpy
import sys
from pathlib import Path

HERE = Path(__file__).parent


def run_notebook(path: Path) -> None:
    """Execute all cells; an error in one is raised. The file stays as it is."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()


def main() -> None:
    for path in sorted(HERE.glob("*.py")):
        if path != Path(__file__):
            print(f"== {path.name}", flush=True)
            runpy.run_path(str(path), run_name="__main__")
    for path in sorted(HERE.glob("notebooks/*.ipynb")):
        print(f"== {path.name}", flush=True)
        run_notebook(path)


if __name__ == "__main__":
    sys.exit(main())
