"""Options that several commands share, and the objects that they describe."""

from __future__ import annotations

import argparse
import logging
from typing import TYPE_CHECKING, Any

from caffe_lite.errors import UsageError
from caffe_lite.types import Shape

if TYPE_CHECKING:
    from caffe_lite.nets.net import Net

log = logging.getLogger("caffe_lite.caffe")

DEVICE_HELP = 'number of the GPU to use, "all" if there is only one, or "none" for the CPU'


def add_flag(parser: Any, name: str, **options: Any) -> None:
    """Add an option: `log_dir` is --log-dir, and the attribute log_dir of the parsed arguments.

    The command line takes one dash and underscores as well; see `commands.parse`.
    """
    parser.add_argument(f"--{name.replace('_', '-')}", dest=name, **options)


def positive(text: str) -> int:
    """Parse an option's integer, at least 1."""
    return _whole(text, 1)


def natural(text: str) -> int:
    """Parse an option's integer, at least 0, such as a seed."""
    return _whole(text, 0)


def _whole(text: str, least: int) -> int:
    value = int(text) if text.strip().isdecimal() and len(text) < 20 else -1
    if value < least:
        raise argparse.ArgumentTypeError(f"expected an integer of at least {least}, got {text}")
    return value


def level(text: str) -> int:
    """Parse the level of a net's state, an integer of 32 bits."""
    value = int(text) if len(text) < 20 else 2**31
    if not -(2**31) <= value < 2**31:
        raise argparse.ArgumentTypeError(f"expected an integer of 32 bits, got {text}")
    return value


def utf8(text: str) -> str:
    """Parse text that becomes a field of a definition, which can hold only UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError(f"expected UTF-8 text, got {text!a}") from None
    return text


def add_net_state(parser: argparse.ArgumentParser, phase: str) -> None:
    """Add the options that select a net's layers: --phase, --level, --stage."""
    add_flag(
        parser,
        "phase",
        choices=("TRAIN", "TEST", "train", "test"),
        default=phase,
        metavar="PHASE",
        help=f"TRAIN or TEST (default {phase})",
    )
    add_level_and_stages(parser)


def add_level_and_stages(parser: argparse.ArgumentParser, net: str = "net") -> None:
    """Add --level and --stage of the state of `net`, as help names it."""
    add_flag(
        parser, "level", type=level, default=0, metavar="N", help=f"level of the {net}'s state"
    )
    add_flag(
        parser,
        "stage",
        type=utf8,
        action="append",
        default=[],
        metavar="NAME[,NAME]",
        help=f"stages of the {net}'s state, separated by commas or given several times",
    )


def add_shape(parser: argparse.ArgumentParser, help_text: str) -> None:
    """Add --shape, which may be given several times."""
    add_flag(parser, "shape", action="append", default=[], metavar="TOP=N,C,H,W", help=help_text)


def add_unknown_fields(parser: argparse.ArgumentParser) -> None:
    add_flag(
        parser,
        "unknown_fields",
        choices=("error", "warn"),
        default="error",
        help="how to treat fields that the schema lacks: error (default), or warn and skip them",
    )


def add_no_python_layers(parser: argparse.ArgumentParser) -> None:
    """Add --no-python-layers, which every command that builds nets has."""
    add_flag(
        parser,
        "no_python_layers",
        action="store_true",
        help="refuse layers that run code or overwrite files: Python layers, HDF5Output, "
        "plugins in the working folder (as CAFFE_LITE_SAFE=1 does)",
    )


def add_no_optimize(parser: argparse.ArgumentParser) -> None:
    """Add --no-optimize, for commands that run nets by a plan of fused steps."""
    add_flag(
        parser,
        "no_optimize",
        action="store_true",
        help="run layer by layer, not by a plan of fused steps, whose results differ by rounding",
    )


def add_log_dir(parser: argparse.ArgumentParser, command: str) -> None:
    add_flag(
        parser,
        "log_dir",
        metavar="DIR",
        help=f"folder for {command}.log and {command}.jsonl, which has one event per line",
    )


def add_backend(parser: argparse.ArgumentParser) -> None:
    add_flag(
        parser,
        "backend",
        choices=("lmdb", "leveldb"),
        default="lmdb",
        help="kind of the database: lmdb (default) or leveldb (extra `leveldb`)",
    )


def add_device(parser: argparse.ArgumentParser) -> None:
    add_flag(parser, "gpu", default=None, metavar="ID", help=DEVICE_HELP)


def stages(args: argparse.Namespace) -> list[str]:
    """The names in all --stage options."""
    return [name for given in args.stage for name in given.split(",") if name]


def shapes(args: argparse.Namespace) -> dict[str, Shape]:
    """The shapes in all --shape options, by top. Raises UsageError for one that is not N,C,H,W."""
    return dict(_named_shape(given) for given in args.shape)


def _named_shape(given: str) -> tuple[str, Shape]:
    name, _, dims = given.partition("=")
    try:
        shape = tuple(int(d) for d in dims.split(","))
    except ValueError:
        shape = ()
    if not name or not shape or min(shape) < 1:
        raise UsageError(f"--shape {given}: expected TOP=N,C,H,W, as --shape data=10,3,227,227")
    return name, shape


def phase(args: argparse.Namespace) -> int:
    """The value of the schema's enum Phase that --phase names."""
    from caffe_lite.proto import schema

    return getattr(schema, args.phase.upper())


def device(gpu: str | None, default: int | None = None) -> int | None:
    """The device that --gpu names: None for the CPU, else a GPU's number.

    Raises UsageError for several GPUs and for text that is not a number, BackendError for "all" on
    a machine without a GPU.
    """
    if gpu is None:
        return default
    if gpu in ("none", ""):
        return None
    if gpu == "all":
        from caffe_lite.backend.gpu import cuda

        count = cuda.device_count()
        if count > 1:
            raise UsageError(
                f"--gpu all: one device at a time, this machine has {count}; training on several "
                "is not supported, so choose one: --gpu 0"
            )
        return 0
    if "," in gpu:
        raise UsageError(
            f"--gpu {gpu}: one device at a time; training on several is not supported, so choose "
            f"one: --gpu {gpu.split(',')[0]}"
        )
    if not gpu.isdecimal() or len(gpu) > 9:
        raise UsageError(f"--gpu {gpu}: expected the {DEVICE_HELP}")
    return int(gpu)


def chosen_ops(args: argparse.Namespace) -> Any:
    """The backend of the device that --gpu names, by default the CPU. Logs which one it is."""
    from caffe_lite.backend import get_ops

    number = device(args.gpu)
    log.info("Use CPU." if number is None else f"Use GPU with device ID {number}")
    ops = get_ops(number)
    log_cpu_backend(ops)
    return ops


def log_cpu_backend(ops: Any) -> None:
    """Log which implementation runs on the CPU, and the reason if it is the slow one."""
    if ops.on_host:
        log.info("CPU backend: %s", cpu_backend(ops.dtype))


def cpu_backend(dtype: Any) -> str:
    """Describe the implementation on the CPU for an element type, with the reason for NumPy."""
    from caffe_lite.backend import native

    reason = native.unavailable_reason(dtype)
    if reason is None:
        return "native C library"
    reason = " ".join(reason.split())
    return f"NumPy, which is slower; the native C library is not available: {reason}"


def net(args: argparse.Namespace, ops: Any, seed: int = 0) -> Net:
    """The net that --model names, in the state that --phase, --level and --stage name."""
    from caffe_lite.nets.net import Net
    from caffe_lite.proto import load

    return Net(
        load.load_net(args.model, unknown=args.unknown_fields),
        phase(args),
        ops,
        level=args.level,
        stages=stages(args),
        seed=seed,
        source=args.model,
    )
