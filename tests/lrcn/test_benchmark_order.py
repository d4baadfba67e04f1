"""The benchmark of the paper's claims: its verdicts on made-up results, and a rehearsal."""

import copy
import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "lrcn"


@pytest.fixture(scope="module")
def load():
    """Import a module of the benchmark, whose folder is on the path meanwhile."""
    sys.path.insert(0, str(BENCHMARK))
    yield importlib.import_module
    sys.path.remove(str(BENCHMARK))


@pytest.fixture(scope="module")
def claims(load):
    return load("order_claims")


def test_verdicts(claims):
    assert claims.decide([2.0, 3.0, 2.5, 2.2, 2.8]).verdict == "holds"
    assert claims.decide([-2.0, -3.0, -2.5, -2.2, -2.8]).verdict == "does not hold"
    assert claims.decide([2.0, -3.0, 2.5, -2.2, 0.8]).verdict == "within the spread"
    assert claims.decide([0.0] * 5).verdict == "within the spread"
    assert claims.decide([4.0]).verdict == "one seed has no spread"
    # Mean 2, sample deviation sqrt(2.5): the interval's half is 2.776 sqrt(2.5 / 5) = 1.963.
    outcome = claims.decide([0, 1, 2, 3, 4])
    assert outcome.mean == 2 and outcome.half == pytest.approx(1.963, abs=1e-3)
    assert outcome.verdict == "holds"
    assert claims.decide([-0.1, 0.9, 1.9, 2.9, 3.9]).verdict == "within the spread"


def made_up():
    """A run in which every claim's difference is known."""
    names = ("RGB", "flow", "1/2 RGB + 1/2 flow", "1/3 RGB + 2/3 flow")

    def row(*values):
        return dict(zip(names, values, strict=True))

    bleu = {"2 layers, factored": 71.0, "2 layers, unfactored": 73.0}
    recalls = (("2 layers, factored", 20.0), ("2 layers, unfactored", 19.0))
    found = {
        name: {"caption to clip: R@1": value, "clip to caption: R@1": 3 * value}
        for name, value in recalls
    }
    described = {
        "LSTM decoder, probabilities": 50.0,
        "LSTM decoder, labels": 44.0,
        "LSTM encoder and decoder, labels": 45.5,
    }
    return {
        "activity": {
            "single frame": row(1, 1, 1, 1),
            "mean over time": row(40, 50, 55, 49),
            "LRCN": row(47, 61, 60, 66),
        },
        "captions": {name: {"BLEU-4": value} for name, value in bleu.items()},
        "retrieval": found,
        "description": {name: {"BLEU-4": value} for name, value in described.items()},
    }


def test_each_claim_is_its_difference(claims):
    found = {claim.title: claim.difference(made_up()) for claim in claims.CLAIMS}
    assert found == {
        "an LSTM is above single frames, RGB": 7,
        "an LSTM is above single frames, flow": 11,
        "flow gains more from the LSTM than RGB": 4,
        "fusion is best: mean over time, 1/2 RGB + 1/2 flow": 5,
        "fusion is best: mean over time, 1/3 RGB + 2/3 flow": -1,
        "fusion is best: LRCN, 1/2 RGB + 1/2 flow": -1,
        "fusion is best: LRCN, 1/3 RGB + 2/3 flow": 5,
        "factored is above unfactored: captions": -2,
        "factored is above unfactored: caption to clip": 1,
        "factored is above unfactored: clip to caption": 3,
        "probabilities are above labels": 6,
        "labels are above the encoder-decoder": -1.5,
    }


def test_report_counts_seeds(claims):
    runs = [made_up() for _ in range(3)]
    runs[1] = copy.deepcopy(runs[1])
    runs[1]["activity"]["LRCN"]["RGB"] = 39
    lines = claims.report(runs).splitlines()
    assert len(lines) == 2 + len(claims.CLAIMS)
    assert lines[2].endswith("| 2 of 3 | within the spread |") and "+4.3 ±" in lines[2]
    assert lines[3].endswith("| +11.0 ± 0.0 | 3 of 3 | holds |")
    assert lines[-1].endswith("| -1.5 ± 0.0 | 0 of 3 | does not hold |")


def test_a_run_that_was_stopped_continues(load, tmp_path, monkeypatch, capsys):
    order, nets = load("order"), load("order_nets")
    counts = {"train": 40, "sentences": 100, "validation": 100, "test": 100}
    command = ["order.py", "--quick", "--seeds", "1", "--work", str(tmp_path), "--results"]
    monkeypatch.setattr(order, "QUICK_CLIPS", counts)
    monkeypatch.setattr(order, "QUICK_SHARE", 1 / 300)
    monkeypatch.setattr(sys, "argv", [*command, str(tmp_path / "results")])
    train = nets.Trainer.train

    def interrupted(self, name, *rest):
        if name == "max":
            raise KeyboardInterrupt
        train(self, name, *rest)

    monkeypatch.setattr(nets.Trainer, "train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        order.main()
    first = capsys.readouterr().out
    assert "encoder: " in first and not (tmp_path / "seed_1" / "test.json").exists()
    monkeypatch.setattr(nets.Trainer, "train", train)
    order.main()
    second = capsys.readouterr().out
    assert "encoder: " not in second and "  max: " in second and "  prob: " in second
    (run,) = json.loads((tmp_path / "results" / "order.json").read_text())["runs"]
    del run["minutes"]
    sizes = {name: (len(table), len(next(iter(table.values())))) for name, table in run.items()}
    assert sizes == {
        "activity": (3, 4),
        "captions": (3, 6),
        "retrieval": (3, 4),
        "description": (3, 6),
    }
    values = [v for name in sizes for row in run[name].values() for v in row.values()]
    assert np.isfinite(values).all() and min(values) >= 0
    assert (tmp_path / "results" / "order.md").read_text() in second
    order.main()  # a seed that is done is only reported
    assert "on validation clips" not in capsys.readouterr().out.replace("figures", "")
