"""Video description: three nets that turn semantic predictions into sentences."""

from pathlib import Path

import numpy as np
from captions import load_captioner, score_captions
from data import ROLES, frames_as_channels, joined, largest, semantics, tuple_ids, write_predictions
from nets import run_net
from training import train

from caffe_lite.datasets.moving_digits import Clips

NETS = {
    "encoder_decoder": "LSTM encoder and decoder, labels",
    "max": "LSTM decoder, labels",
    "prob": "LSTM decoder, probabilities",
}


def predict(weights: Path, clips: Clips) -> dict[str, np.ndarray]:
    """The semantics net's probabilities for each role."""
    return run_net(
        "semantics/deploy.prototxt", weights, {"frames": frames_as_channels(clips)}, list(ROLES)
    )


def accuracies(predicted: dict[str, np.ndarray], clips: Clips) -> dict[str, float]:
    """Accuracies in percent, by role."""
    return {
        role: 100 * float((predicted[role].argmax(1) == labels).mean())
        for role, labels in semantics(clips).items()
    }


def _seen(name: str, weights: Path, predicted: dict[str, np.ndarray]) -> np.ndarray:
    """The decoder's input for each clip."""
    if name == "prob":
        return joined(predicted)
    if name == "max":
        return joined(largest(predicted))
    ids = tuple_ids(predicted)
    cont = np.ones_like(ids)
    cont[0] = 0
    return run_net(
        "description/encoder.prototxt",
        weights,
        {"input_tuple": ids, "cont_tuple": cont},
        ["encoding"],
        axis=1,
    )["encoding"]


def run(
    folder: Path,
    train_clips: Clips,
    clips: Clips,
    semantics_weights: Path,
    seed: int,
    share: float,
) -> dict[str, dict[str, float]]:
    """The scores of each net's descriptions of `clips`."""
    predicted = predict(semantics_weights, clips)
    write_predictions(folder, "captions_train_predictions", predict(semantics_weights, train_clips))
    write_predictions(folder, "test_predictions", predicted)
    table = {}
    for name, title in NETS.items():
        weights = train(f"description/solver_{name}.prototxt", folder, seed, share)
        form = "encoder_decoder" if name == "encoder_decoder" else "decoder"
        writer = load_captioner(f"description/word_to_preds_{form}.prototxt", weights)
        table[title] = score_captions(writer, _seen(name, weights, predicted), clips)
        writer.close()
    return table
