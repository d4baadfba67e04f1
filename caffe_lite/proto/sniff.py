"""The kind of a file by its first bytes, for errors about files of the wrong kind."""

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
LFS_START = b"version https://git-lfs"

_SIGNATURES = [
    (HDF5_SIGNATURE, "an HDF5 file"),
    (LFS_START, "a Git LFS pointer, not the file itself (fetch it: git lfs pull)"),
    (b"\x1f\x8b", "a gzip archive (unpack it first)"),
    (b"PK\x03\x04", "a zip archive (or an .npz or PyTorch file)"),
    (b"\x93NUMPY", "a NumPy .npy file"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\xff\xfe", "UTF-16 text (save it as UTF-8)"),
    (b"\xfe\xff", "UTF-16 text (save it as UTF-8)"),
]
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r\v\f"))


def describe(data: bytes) -> str | None:
    """Name the kind of a file by its signature, or None if the signature is unknown."""
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            return kind
    if data[:256].lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return "an HTML page (a download that failed?)"
    return None


def is_binary(data: bytes) -> bool:
    """Whether `data` is full of control characters; bytes over 127 are text.

    A prototxt has none, or a stray one that the parser reports. In binary messages they start
    fields: solvers and nets without weights have 5 or more in 100 bytes.
    """
    head = data[:65536]
    return 200 * (len(head) - len(head.translate(None, _CONTROL))) > len(head)
