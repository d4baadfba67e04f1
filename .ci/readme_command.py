"""Print the README's command line that ends in a given word: readme_command.py pytest"""

import sys
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"


def main(last: str) -> int:
    found = [line.strip() for line in README.read_text().splitlines()
             if line.strip().startswith("python3 -m venv") and line.split()[-1].endswith(last)]
    if len(found) != 1:
        print(f"README.md has {len(found)} command lines that end in {last}, expected one",
              file=sys.stderr)
        return 1
    print(found[0])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
