"""Compile proto/ into the descriptors that the package ships.

proto/caffe.proto, BVLC's schema, becomes caffe.desc; this needs protoc, from the PATH or from
`pip install grpcio-tools`. What forks add to it, proto/forks/*.proto, becomes forks.desc. Run it
after every change of a .proto file; `tests/proto/test_schema.py` fails while the files differ.
"""

import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from google.protobuf import descriptor_pb2

from caffe_lite.proto.merge import merge
from caffe_lite.proto.proto_source import parse_proto

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "proto" / "caffe.proto"
FORKS = ROOT / "proto" / "forks"
SHIPPED = ROOT / "caffe_lite" / "proto"


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


def compile_forks(folder: Path) -> bytes:
    """Return one serialized FileDescriptorProto of what all files in `folder` add."""
    files = [
        parse_proto(path.read_text(encoding="utf-8"), path.name)
        for path in sorted(folder.glob("*.proto"))
    ]
    empty = descriptor_pb2.FileDescriptorProto(name="forks.proto", package="caffe")
    return merge(empty, files).SerializeToString(deterministic=True)


def main() -> None:
    compiled = {"forks.desc": compile_forks(FORKS)}
    if shutil.which("protoc") or find_spec("grpc_tools"):
        compiled["caffe.desc"] = compile_schema(SOURCE)
    else:
        print("no protoc: caffe.desc stays as it is")
    for name, data in compiled.items():
        (SHIPPED / name).write_bytes(data)
        print(f"caffe_lite/proto/{name}: {len(data)} bytes")


if __name__ == "__main__":
    main()
