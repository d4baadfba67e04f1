"""Print the README's command line that ends in a given word, installing a wheel in place of ".".

usage: readme_command.py pytest WHEEL
"""

import sys
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"


def main(last: str, wheel: str) -> int:
    found = [
        line.strip()
        for line in README.read_text().splitlines()
        if line.strip().startswith("python3 -m venv") and line.split()[-1].endswith(last)
    ]
    if len(found) != 1 or 'install ".[' not in found[0]:
        print(
            f"README.md has {len(found)} command lines that end in {last}; expected one, which "
            'installs ".[extra]"',
            file=sys.stderr,
        )
        return 1
    print(found[0].replace('install ".[', f'install "{wheel}['))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
