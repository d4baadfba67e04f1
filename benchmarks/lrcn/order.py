"""LRCN's claims on the ordered digits: activities that differ in the order of two motions.

    python benchmarks/lrcn/order.py [--seeds N] [--first N] [--quick] [--validation]
                                    [--work DIR] [--results DIR]

Each seed makes its own clips, trains all nets of prototxt/ordered_digits, chooses on validation
clips, and reads its test clips once, at its end. Nets and seeds that are done are kept under the
work folder, so a run that was stopped continues. --validation reports on the validation clips and
never reads the test clips; with --first 0 it is how the settings were chosen. --quick is a
rehearsal of about a minute with few clips and iterations.
"""

import argparse
import json
from datetime import date
from pathlib import Path
from typing import Any

import order_activity
import order_claims
import order_sentences
import tables
from order_nets import Trainer

from caffe_lite.backend.describe import processor_name
from caffe_lite.datasets.export_ordered import CLIPS, write_ordered_digits
from caffe_lite.datasets.ordered_digits import make_ordered_clips
from caffe_lite.lrcn.prepare.inverse_search import InverseSearch
from caffe_lite.proto.atomic import atomic_path

QUICK_CLIPS = {"train": 200, "sentences": 100, "validation": 100, "test": 100}
QUICK_SHARE = 1 / 15  # of the iterations
NOTES = {
    "activity": (
        "Activity recognition: accuracy, %",
        "single frame: each frame alone; mean over time: the mean of a clip's single-frame "
        "probabilities, the paper's baseline; LRCN: the mean over the LSTM's steps.",
    ),
    "captions": (
        "Captioning",
        "From LRCN's LSTM outputs and the digit net's scores, each averaged over time; the best of "
        "a beam of 5. BLEU in %; right: the caption is one of the clip's true ones, in %.",
    ),
    "retrieval": ("Retrieval", "Among clips with different captions, about 40; recall in %."),
    "description": (
        "Video description",
        "From the predicted digit, first and second motion; scores as for captions.",
    ),
}


def run_seed(folder: Path, seed: int, clips: dict[str, int], share: float, split: str) -> Any:
    """The tables of one seed on `split`. Finished nets in `folder` are not trained again."""
    record = folder / f"{split}.json"
    if record.exists():
        return json.loads(record.read_text())
    trainer = Trainer(folder, seed, share)
    write_ordered_digits(folder, InverseSearch(), clips, seed)
    validation = order_activity.read(folder, "validation")
    order_activity.train_all(trainer, validation)
    described = make_ordered_clips(clips["sentences"], seed, "sentences")
    seen = order_sentences.look(trainer, order_activity.read(folder, "sentences"))
    order_sentences.write(folder, seen, described)
    chosen = make_ordered_clips(clips["validation"], seed, "validation")
    seen = order_sentences.look(trainer, validation)
    order_sentences.train_all(trainer, seen, chosen)
    shown, told = validation, chosen
    if split == "test":
        shown = order_activity.read(folder, "test")
        told = make_ordered_clips(clips["test"], seed, "test")
        seen = order_sentences.look(trainer, shown)
    found = {"activity": order_activity.accuracies(trainer, shown)}
    found |= order_sentences.tables(trainer, seen, told)
    found["minutes"] = trainer.minutes
    with atomic_path(record) as partial:
        partial.write_text(json.dumps(found, indent=1) + "\n")
    for file in folder.glob("*.h5"):
        file.unlink()
    return found


def report(runs: list[Any], first: int, clips: dict[str, int], split: str, quick: bool) -> str:
    """The tables and claims, in Markdown."""
    minutes = sum(run["minutes"] for run in runs)
    seeds = f"{len(runs)} seed{'s' * (len(runs) > 1)}"
    counts = ", ".join(f"{count} {name}" for name, count in clips.items())
    return "\n".join(
        [
            "# LRCN on digits whose activities differ in the order of motions\n",
            f"By `python benchmarks/lrcn/order.py{' --quick' * quick}` on {processor_name()}, "
            f"{date.today()}; {minutes:.1f} processor minutes. Mean ± standard deviation of "
            f"{seeds} (from {first}), each with its own clips ({counts}) and starting weights; "
            f"figures are of the {split} clips, whose scans of digits occur in no other split. "
            "Weights were chosen on the validation clips of each seed, sizes and rates on those of "
            "seed 0, and the difficulty for the mean over time to lie between 40 and 70 % there; "
            "test clips were read once. Flow is computed by dense inverse search.\n",
            "## The paper's claims\n",
            "Differences between rows of the same seed, in points, with their 95 % confidence "
            "interval (Student's t over the seeds); a claim whose interval includes zero is within "
            "the spread.\n",
            order_claims.report(runs),
            *(
                tables.markdown(title, [run[name] for run in runs], note)
                for name, (title, note) in NOTES.items()
            ),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="how many (default 5)")
    parser.add_argument("--first", type=int, default=1, metavar="N", help="the first (default 1)")
    parser.add_argument("--quick", action="store_true", help="a rehearsal of about a minute")
    parser.add_argument("--validation", action="store_true", help="leave the test clips unread")
    parser.add_argument("--work", type=Path, default=Path("data/lrcn_order"), metavar="DIR")
    parser.add_argument("--results", type=Path, metavar="DIR", help="write order.md and order.json")
    args = parser.parse_args()
    clips, share = (QUICK_CLIPS, QUICK_SHARE) if args.quick else (CLIPS, 1.0)
    split = "validation" if args.validation else "test"
    runs = []
    for seed in range(args.first, args.first + args.seeds):
        print(f"seed {seed}", flush=True)
        runs.append(run_seed(args.work / f"seed_{seed}", seed, clips, share, split))
    text = report(runs, args.first, clips, split, args.quick)
    print(text)
    if args.results:
        about = {"processor": processor_name(), "date": str(date.today()), "split": split}
        tables.write(args.results, "order", text, {"about": about, "clips": clips, "runs": runs})


if __name__ == "__main__":
    main()
