"""Describe the devices: processor, CPU backend, GPUs, libraries, precision settings."""

import argparse
from typing import Any

from caffe_lite.cli import options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_flag(
        parser,
        "gpu",
        default="all",
        metavar="all|ID[,ID]|none",
        help="the GPUs to describe (default: all)",
    )


def run(args: argparse.Namespace) -> int:
    from caffe_lite.backend.describe import describe_cpu, describe_gpus

    sections: list[dict[str, Any]] = [{**describe_cpu(), "Backend": options.cpu_backend("float32")}]
    if args.gpu == "all":
        sections += describe_gpus()
    elif args.gpu not in ("none", ""):
        numbers = [options.device(number) for number in args.gpu.split(",")]
        sections += describe_gpus([number for number in numbers if number is not None])
    for section in sections:
        width = max(map(len, section))
        for name, value in section.items():
            print(f"{name + ':':<{width + 1}} {value}")
        print()
    return 0
