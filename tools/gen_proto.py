"""Compile proto/caffe.proto into caffe_lite/proto/caffe.desc, which the package ships.

Needs protoc, from the PATH or from `pip install grpcio-tools`. Run it after every change of the
schema; `tests/proto/test_schema.py` fails while the two files differ.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from google.protobuf import descriptor_pb2

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "proto" / "caffe.proto"
TARGET = ROOT / "caffe_lite" / "proto" / "caffe.desc"


def compile_schema(source: Path) -> bytes:
    """Return the serialized FileDescriptorProto of `source`, without comments and positions."""
    found = shutil.which("protoc")
    protoc = [found] if found else [sys.executable, "-m", "grpc_tools.protoc"]
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "out.desc"
        subprocess.run(
            [*protoc, f"-I{source.parent}", f"--descriptor_set_out={output}", source.name],
            check=True,
        )
        compiled = descriptor_pb2.FileDescriptorSet.FromString(output.read_bytes())
    (schema,) = compiled.file
    return schema.SerializeToString(deterministic=True)


if __name__ == "__main__":
    TARGET.write_bytes(compile_schema(SOURCE))
    print(f"{TARGET.relative_to(ROOT)}: {TARGET.stat().st_size} bytes")
