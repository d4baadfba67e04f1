"""Options that several commands share, and what they stand for."""

from __future__ import annotations

import argparse
import logging
from typing import TYPE_CHECKING, Any

from caffe_lite.errors import UsageError

if TYPE_CHECKING:
    from caffe_lite.nets.net import Net

log = logging.getLogger("caffe_lite.caffe")

DEVICE_HELP = 'the GPU to use ("0"), "all" where there is but one, or "none" for the CPU'


def add_flag(parser: Any, name: str, **options: Any) -> None:
    """Add an option: `log_dir` is --log-dir, and the attribute log_dir of the parsed arguments.

    The command line takes one dash and underscores as well; see `commands.parse`.
    """
    parser.add_argument(f"--{name.replace('_', '-')}", dest=name, **options)


def positive(text: str) -> int:
    """An option's whole number from 1."""
    return _whole(text, 1)


def natural(text: str) -> int:
    """An option's whole number from 0, such as a seed."""
    return _whole(text, 0)


def _whole(text: str, least: int) -> int:
    value = int(text) if text.strip().isdecimal() else -1
    if value < least:
        raise argparse.ArgumentTypeError(f"a whole number from {least} is expected, got {text}")
    return value


def utf8(text: str) -> str:
    """An option's text that becomes a field of a definition, which holds UTF-8 only."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError(f"UTF-8 text is expected, got {text!a}") from None
    return text


def add_net_state(parser: argparse.ArgumentParser, phase: str) -> None:
    """The options that filter a net: --phase, --level, --stage."""
    add_flag(
        parser,
        "phase",
        choices=("TRAIN", "TEST", "train", "test"),
        default=phase,
        metavar="PHASE",
        help=f"TRAIN or TEST (default {phase})",
    )
    add_flag(parser, "level", type=int, default=0, metavar="N", help="level of the net's state")
    add_flag(
        parser,
        "stage",
        type=utf8,
        action="append",
        default=[],
        metavar="NAME[,NAME]",
        help="stages of the net's state, separated by commas or given several times",
    )


def add_unknown_fields(parser: argparse.ArgumentParser) -> None:
    add_flag(
        parser,
        "unknown_fields",
        choices=("error", "warn"),
        default="error",
        help="what a field that the schema lacks is (default: an error)",
    )


def add_log_dir(parser: argparse.ArgumentParser, command: str) -> None:
    add_flag(
        parser,
        "log_dir",
        metavar="DIR",
        help=f"write {command}.log and {command}.jsonl (one event per line) there",
    )


def add_device(parser: argparse.ArgumentParser) -> None:
    add_flag(parser, "gpu", default=None, metavar="ID", help=DEVICE_HELP)


def stages(args: argparse.Namespace) -> list[str]:
    """The stages given, one per item."""
    return [name for given in args.stage for name in given.split(",") if name]


def phase(args: argparse.Namespace) -> int:
    from caffe_lite.proto import schema

    return getattr(schema, args.phase.upper())


def device(gpu: str | None, default: int | None = None) -> int | None:
    """The device that --gpu names: None for the CPU, else a GPU's number.

    Raises UsageError for several GPUs, or for what is no number, and BackendError if "all" are
    none.
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
                f"--gpu all: one device at a time, this machine has {count}; several "
                "at once are not supported, choose one, as --gpu 0"
            )
        return 0
    if "," in gpu:
        raise UsageError(
            f"--gpu {gpu}: one device at a time; several at once are not supported, "
            f"choose one, as --gpu {gpu.split(',')[0]}"
        )
    if not gpu.isdigit():
        raise UsageError(f"--gpu {gpu}: {DEVICE_HELP}")
    return int(gpu)


def chosen_ops(args: argparse.Namespace) -> Any:
    """The backend of the device that --gpu names, by default the CPU; the log names it."""
    from caffe_lite.backend import get_ops

    number = device(args.gpu)
    log.info("Use CPU." if number is None else f"Use GPU with device ID {number}")
    ops = get_ops(number)
    log_cpu_backend(ops)
    return ops


def log_cpu_backend(ops: Any) -> None:
    """Log which implementation runs on the CPU, and why the fast one does not."""
    if ops.on_host:
        log.info("CPU backend: %s", cpu_backend(ops.dtype))


def cpu_backend(dtype: Any) -> str:
    """The implementation on the CPU for an element type, with the reason where it is NumPy."""
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
