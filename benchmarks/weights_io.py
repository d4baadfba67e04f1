"""How fast weights get from a file into a net, and how much memory that takes.

    python benchmarks/weights_io.py [--json FILE]

A net of the size of CaffeNet (61 million weights, 244 MB) reads its weights from a binary
caffemodel: packed, which has a checksum that is verified; unchecked, the same as Caffe writes it,
without one; unpacked, as protobuf 2 wrote them in some files, one tag a number; and from HDF5.
The measure is reading the same file's bytes into memory that is new to the process, from the
system's cache as well. Peak memory is that of a process that builds the net and reads the file, and
nothing else: the interpreter and the libraries included, but h5py's first import is not timed.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from caffe_lite.backend.describe import processor_name

LAYERS = [
    ("conv1", 96, 3 * 121),
    ("conv2", 256, 48 * 25),
    ("conv3", 384, 256 * 9),
    ("conv4", 384, 192 * 9),
    ("conv5", 256, 192 * 9),
    ("fc6", 4096, 9216),
    ("fc7", 4096, 4096),
    ("fc8", 1000, 4096),
]
FORMS = ("packed", "unchecked", "unpacked", "hdf5")
ROUNDS = 15


def definition() -> str:
    """Inner products with the weight counts of CaffeNet's layers."""
    inputs = "".join(
        f"""
        layer {{ name: "x_{name}" type: "Input" top: "x_{name}"
                 input_param {{ shape {{ dim: 1 dim: {width} }} }} }}
        layer {{ name: "{name}" type: "InnerProduct" bottom: "x_{name}" top: "{name}"
                 inner_product_param {{ num_output: {count} }} }}"""
        for name, count, width in LAYERS
    )
    return f'name: "weights"{inputs}'


def build_net():
    from caffe_lite.nets.net import Net
    from caffe_lite.proto import schema, text

    return Net(text.parse(definition(), schema.NetParameter), schema.TEST)


def write_files(folder: Path) -> None:
    from caffe_lite.proto import binary, schema
    from caffe_lite.weights import write_caffemodel, write_hdf5

    net = build_net()
    for layer in net.layers:
        for blob in layer.blobs:
            blob.data[...] = np.random.default_rng(blob.count).normal(size=blob.shape)
    write_caffemodel(net, _path(folder, "packed"))
    net_message = binary.read(_path(folder, "packed"), schema.NetParameter)
    binary.write(_path(folder, "unchecked"), net_message)
    del net_message
    write_hdf5(net, _path(folder, "hdf5"))
    with open(_path(folder, "unpacked"), "wb") as file:
        for layer in net.layers:
            blobs = b"".join(_unpacked_blob(blob.data) for blob in layer.blobs)
            body = _field(1, layer.name.encode()) + _field(2, layer.type.encode()) + blobs
            file.write(_field(100, body))


def _path(folder: Path, form: str) -> Path:
    return folder / f"{form}.caffemodel"


def _unpacked_blob(data: np.ndarray) -> bytes:
    numbers = np.empty(data.size, np.dtype([("tag", "u1"), ("value", "<f4")]))
    numbers["tag"], numbers["value"] = 5 << 3 | 5, data.reshape(-1)
    shape = b"".join(_varint(1 << 3) + _varint(d) for d in data.shape)
    return _field(7, _field(7, shape) + numbers.tobytes())


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def read_bytes(path: str) -> float:
    begin = time.perf_counter()
    with open(path, "rb") as file:
        content = file.read()
    seconds = time.perf_counter() - begin
    del content
    return seconds


def read_into_net(path: str) -> dict[str, float]:
    """In a process of its own: the first reading, and the process's peak memory."""
    if Path(path).stem == "hdf5":
        import caffe_lite.weights.hdf5  # noqa: F401
    from caffe_lite.weights import copy_weights, read_weights

    with build_net() as net:
        begin = time.perf_counter()
        report = copy_weights(net, read_weights(path))
        seconds = time.perf_counter() - begin
        if len(report.copied) != len(LAYERS):
            raise SystemExit(f"only {sorted(report.copied)} were copied")
    return {
        "seconds": seconds,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def measure(folder: Path) -> list[dict]:
    weights = 4 * sum(count * (width + 1) for _, count, width in LAYERS)
    rows = []
    for form in FORMS:
        path = _path(folder, form)
        plain, ours = [], []
        for _ in range(ROUNDS):  # in turns, so that what else the machine does hits both
            plain.append(float(_in_process("--plain", path)))
            ours.append(json.loads(_in_process("--read", path)))
        best = min(plain)
        seconds = min(each["seconds"] for each in ours)
        peak = max(each["peak_bytes"] for each in ours)
        rows.append(
            {
                "form": form,
                "file_bytes": path.stat().st_size,
                "weight_bytes": weights,
                "read_bytes_s": best,
                "read_into_net_s": seconds,
                "ratio": seconds / best,
                "peak_bytes": peak,
                "peak_ratio": peak / weights,
            }
        )
    return rows


def _in_process(option: str, path: Path) -> str:
    return subprocess.run(
        [sys.executable, __file__, option, str(path)], check=True, capture_output=True, text=True
    ).stdout


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", help="write the results there")
    parser.add_argument("--plain", help=argparse.SUPPRESS)
    parser.add_argument("--read", help=argparse.SUPPRESS)
    parser.add_argument("--write", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.write:
        write_files(Path(args.write))
    elif args.plain:
        print(read_bytes(args.plain))
    elif args.read:
        print(json.dumps(read_into_net(args.read)))
    else:
        report(args.json)


def report(record: str | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        # In a process of its own, because a child's peak memory begins with its parent's.
        _in_process("--write", Path(folder))
        rows = measure(Path(folder))
    print("form      file MB  bytes s  net s  ratio  peak MB  of weights")
    for row in rows:
        print(
            f"{row['form']:9} {row['file_bytes'] / 1e6:7.0f}  {row['read_bytes_s']:7.3f}  "
            f"{row['read_into_net_s']:5.3f}  {row['ratio']:5.2f}  {row['peak_bytes'] / 1e6:7.0f}"
            f"  {row['peak_ratio']:10.2f}"
        )
    seconds = {row["form"]: row["read_into_net_s"] for row in rows}
    cost = seconds["packed"] / seconds["unchecked"] - 1
    print(f"the checksum costs {100 * cost:.0f} % of reading the packed file")
    if record:
        result = {
            "processor": processor_name(),
            "python": platform.python_version(),
            "numpy": np.__version__,
            "cores": os.cpu_count(),
            "checksum_cost": cost,
            "rows": rows,
        }
        Path(record).write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
