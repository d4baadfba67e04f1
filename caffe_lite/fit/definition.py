"""The definitions that a training needs: the net with its data and losses, and the solver."""

from __future__ import annotations

from dataclasses import dataclass

from caffe_lite.proto import schema
from caffe_lite.types import NetParameter, SolverParameter


@dataclass(frozen=True)
class Input:
    """How images become the input: databases, the mean file, and what is done to pixels.

    `crop` is 0 for none; `scale` follows the subtraction of the mean.
    """

    train: str
    val: str
    mean: str
    crop: int
    scale: float
    mirror: bool
    batch: int
    val_batch: int


def training_net(body: NetParameter, data: str, score: str, images: Input) -> NetParameter:
    """The layers of `body` between data layers and SoftmaxWithLoss, and Accuracy in phase TEST."""
    net: NetParameter = schema.NetParameter(name=body.name)
    for phase, source, batch in (
        (schema.TRAIN, images.train, images.batch),
        (schema.TEST, images.val, images.val_batch),
    ):
        layer = net.layer.add(name="data", type="Data", top=[data, "label"])
        layer.include.add(phase=phase)
        transform = layer.transform_param
        transform.mean_file = images.mean
        if images.scale != 1:
            transform.scale = images.scale
        if images.crop:
            transform.crop_size = images.crop
        if phase == schema.TRAIN and images.mirror:
            transform.mirror = True
        layer.data_param.source = source
        layer.data_param.batch_size = batch
        layer.data_param.backend = schema.DataParameter.LMDB
    net.layer.extend(body.layer)
    net.layer.add(name="loss", type="SoftmaxWithLoss", bottom=[score, "label"], top=["loss"])
    accuracy = net.layer.add(
        name="accuracy", type="Accuracy", bottom=[score, "label"], top=["accuracy"]
    )
    accuracy.include.add(phase=schema.TEST)
    return net


def solver_for(
    net: str,
    prefix: str,
    rate: float,
    iterations: int,
    interval: int,
    test_batches: int,
    seed: int,
    weight_decay: float = 5e-4,
) -> SolverParameter:
    """SGD with momentum, and a rate that falls to zero; tests every `interval` iterations."""
    solver: SolverParameter = schema.SolverParameter(
        net=net,
        base_lr=rate,
        lr_policy="poly",
        power=1.0,
        momentum=0.9,
        weight_decay=weight_decay,
        max_iter=iterations,
        test_interval=interval,
        display=max(1, interval // 4),
        average_loss=max(1, interval // 4),
        snapshot_prefix=prefix,
        random_seed=seed,
    )
    solver.test_iter.append(test_batches)
    return solver
