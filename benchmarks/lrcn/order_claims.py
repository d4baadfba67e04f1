"""The paper's claims as differences between two numbers of each seed, and what became of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

Run = dict[str, Any]  # a seed's tables: run[table][row][column]

# Student's t for a two-sided 95 % interval, by degrees of freedom.
_T = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}


@dataclass(frozen=True)
class Claim:
    """A claim says that `difference` of a run is above zero; `measure` says what is subtracted."""

    title: str
    measure: str
    difference: Callable[[Run], float]


@dataclass(frozen=True)
class Outcome:
    """The mean of the differences, half their 95 % interval (nan for one), and a verdict."""

    mean: float
    half: float
    verdict: str


def decide(differences: Sequence[float]) -> Outcome:
    """Decide on a claim from its difference in each seed, at most ten.

    "holds" or "does not hold" if the 95 % confidence interval of the mean (Student's t, differences
    of the same seed) is above or below zero; else "within the spread", and so for a single seed.
    """
    values = np.asarray(differences, float)
    mean = float(values.mean())
    if len(values) < 2:
        return Outcome(mean, float("nan"), "one seed has no spread")
    half = float(_T[len(values) - 1] * values.std(ddof=1) / np.sqrt(len(values)))
    if abs(mean) <= half:
        return Outcome(mean, half, "within the spread")
    return Outcome(mean, half, "holds" if mean > 0 else "does not hold")


def _gain(run: Run, column: str) -> float:
    """What LRCN is above the mean over time, in points of accuracy."""
    table = run["activity"]
    return float(table["LRCN"][column] - table["mean over time"][column])


def _fused(run: Run, row: str, fusion: str) -> float:
    """What a fusion is above the better one of its streams."""
    found = run["activity"][row]
    return float(found[fusion] - max(found["RGB"], found["flow"]))


def _above(table: str, column: str, high: str, low: str) -> Callable[[Run], float]:
    return lambda run: float(run[table][high][column] - run[table][low][column])


_FACTORED = ("2 layers, factored", "2 layers, unfactored")
_LABELS = "LSTM decoder, labels"

CLAIMS = (
    *(
        Claim(
            f"an LSTM is above single frames, {stream}",
            "LRCN - mean over time",
            partial(_gain, column=stream),
        )
        for stream in ("RGB", "flow")
    ),
    Claim(
        "flow gains more from the LSTM than RGB",
        "gain of flow - gain of RGB",
        lambda run: _gain(run, "flow") - _gain(run, "RGB"),
    ),
    *(
        Claim(
            f"fusion is best: {row}, {fusion}",
            "fused - the better stream",
            partial(_fused, row=row, fusion=fusion),
        )
        for row in ("mean over time", "LRCN")
        for fusion in ("1/2 RGB + 1/2 flow", "1/3 RGB + 2/3 flow")
    ),
    Claim(
        "factored is above unfactored: captions",
        "BLEU-4",
        _above("captions", "BLEU-4", *_FACTORED),
    ),
    *(
        Claim(
            f"factored is above unfactored: {way}",
            "R@1",
            _above("retrieval", f"{way}: R@1", *_FACTORED),
        )
        for way in ("caption to clip", "clip to caption")
    ),
    Claim(
        "probabilities are above labels",
        "BLEU-4",
        _above("description", "BLEU-4", "LSTM decoder, probabilities", _LABELS),
    ),
    Claim(
        "labels are above the encoder-decoder",
        "BLEU-4",
        _above("description", "BLEU-4", _LABELS, "LSTM encoder and decoder, labels"),
    ),
)


def report(runs: Sequence[Run]) -> str:
    """A table in Markdown: each claim, its difference over the seeds, and the verdict."""
    lines = [
        "| claim | measured by | difference | in how many seeds | |",
        "|---|---|---:|---:|---|",
    ]
    for claim in CLAIMS:
        found = [claim.difference(run) for run in runs]
        outcome = decide(found)
        spread = "" if np.isnan(outcome.half) else f" ± {outcome.half:.1f}"
        above = f"{sum(value > 0 for value in found)} of {len(found)}"
        lines.append(
            f"| {claim.title} | {claim.measure} | {outcome.mean:+.1f}{spread} | {above} | "
            f"{outcome.verdict} |"
        )
    return "\n".join(lines) + "\n"
