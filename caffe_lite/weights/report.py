"""What became of each layer when weights were copied."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class CopyReport:
    """Layers by name: which files were read, what was copied, and what was not.

    `copied` names the file that each layer's weights came from (the last one where several had
    them); `ignored` lists, by file, layers with weights that the net does not have; `missing` are
    the net's layers with learned blobs that no file had, which keep their starting values.
    """

    copied: dict[str, str] = field(default_factory=dict)
    ignored: dict[str, list[str]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    def merge(self, later: CopyReport) -> None:
        """Take in the report of a file that was copied after this one."""
        first = not self.ignored
        self.copied.update(later.copied)
        self.ignored.update(later.ignored)
        missing = later.missing if first else self.missing
        self.missing = [name for name in missing if name not in self.copied]

    def text(self) -> str:
        """The report to read: a line for each file, and one for what is missing."""
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
