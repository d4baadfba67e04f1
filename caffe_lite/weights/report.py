"""Which layers got weights from which file, and which did not."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class CopyReport:
    """The result of copying weights, by names of layers.

    `copied` maps each layer to the file that its weights came from, the last one if several had
    them. `ignored` lists for each file the layers with weights that the net does not have.
    `missing` lists the net's layers with learned blobs that no file had; they keep their starting
    values.
    """

    copied: dict[str, str] = field(default_factory=dict)
    ignored: dict[str, list[str]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    def merge(self, later: CopyReport) -> None:
        """Add the report of a file that was copied after this one."""
        first = not self.ignored
        self.copied.update(later.copied)
        self.ignored.update(later.ignored)
        missing = later.missing if first else self.missing
        self.missing = [name for name in missing if name not in self.copied]

    def text(self) -> str:
        """The report as text: a line for each file, and one for what is missing."""
        lines = []
        for path, ignored in self.ignored.items():
            copied = [name for name, source in self.copied.items() if source == path]
            lines.append(f"{path}: weights of {_count(copied)} copied")
            if ignored:
                lines.append(
                    f"    {_count(ignored)} ignored, not in this net: {', '.join(ignored)}"
                )
        if self.missing:
            lines.append(
                f"{_count(self.missing)} not in the file{'s' * (len(self.ignored) > 1)}, "
                f"starting values kept: {', '.join(self.missing)}"
            )
        return "\n".join(lines)

    __str__ = text


def _count(names: list[str]) -> str:
    return f"{len(names)} layer{'s' * (len(names) != 1)}"
