"""The steps of a fit as commands that can be run alone."""

from __future__ import annotations

import shlex

from caffe_lite.fit.files import Files
from caffe_lite.fit.plan import Plan


def commands(files: Files, plan: Plan, root: str, weights: str | None) -> list[str]:
    """The commands, for the folder in which `fit` ran; `root` is what paths of lists begin with."""
    height, width = plan.size
    resize = [f"--resize-height={height}", f"--resize-width={width}"]
    grey = ["--gray"] if plan.grey else []
    sides = (plan.crop, plan.crop) if plan.crop else plan.size
    shape = ",".join(map(str, (1, 1 if plan.grey else 3, *sides)))
    start = ["--weights", weights] if weights else []
    lines = [
        ["convert_imageset", *resize, *grey, root, files.train, files.train_db],
        ["convert_imageset", *resize, *grey, root, files.val, files.val_db],
        ["compute_image_mean", files.train_db, files.mean],
        ["train", "--solver", files.solver, "--log-dir", files.logs, *start],
        ["deploy", files.net, "--shape", f"{plan.data}={shape}", "--out", files.deploy],
        [
            *("classify", files.test, "--list", "--root", root, "--net", files.deploy),
            *("--weights", files.weights, "--classes", files.classes, "--mean", files.mean),
            *("--scale", f"{plan.scale:g}", "--resize", f"{height},{width}"),
        ],
        ["plot", files.path("curves.png"), files.logs],
    ]
    return [shlex.join(["caffe_lite", *line]) for line in lines]
