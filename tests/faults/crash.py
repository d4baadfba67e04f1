"""What a disk holds after a crash: whatever was not synced is lost."""

import os
from pathlib import Path


class Disk:
    """Follows the calls on files below a folder and keeps an image for a crash before each one.

    A file's content is what it was at its last fsync: empty if there was none. The names in a
    folder may be on the disk as soon as they are made, or only with the folder's own fsync; there
    is an image for either case.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        self.images = []  # (call, {name: content}), different ones only
        self._content = {inode: data for inode, data in self._files(read=True).values()}
        self._names = {name: inode for name, (inode, _) in self._files().items()}

    def before(self, kind, path):
        """A call is about to run: crash here. Then, for an fsync, what it makes durable."""
        current = {name: inode for name, (inode, _) in self._files().items()}
        for names in (current, self._names):
            image = {name: self._content.get(inode, b"") for name, inode in names.items()}
            if all(image != other for _, other in self.images):
                self.images.append((f"{kind} {path}", image))
        if kind == "fsync":
            self._sync(path, current)
        return 0

    def _sync(self, path, current):
        if os.path.isdir(path):
            place = os.path.relpath(path, self.folder)
            self._names = {
                name: inode for name, inode in self._names.items() if not _in(name, place)
            } | {name: inode for name, inode in current.items() if _in(name, place)}
        else:
            self._content[os.stat(path).st_ino] = Path(path).read_bytes()

    def _files(self, read=False):
        """name: (inode, content or None)"""
        found = {}
        for path in self.folder.rglob("*"):
            if path.is_file():
                data = path.read_bytes() if read else None
                found[str(path.relative_to(self.folder))] = path.stat().st_ino, data
        return found


def _in(name, folder):
    return (os.path.dirname(name) or ".") == folder
