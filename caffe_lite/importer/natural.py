"""Names in a natural order: layer2 before layer10."""

import re


def natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts layer2 before layer10."""
    parts = re.split(r"(\d+)", name)
    return [(int(part) if part.isdecimal() else -1, part) for part in parts]
