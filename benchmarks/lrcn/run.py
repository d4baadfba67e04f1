"""LRCN's three tasks on moving digits: trains every net of prototxt/lrcn and fills the tables.

    python benchmarks/lrcn/run.py [--seeds N] [--quick] [--data-only] [--work DIR] [--results DIR]

Each seed makes its own clips, trains all nets with their solver prototxts and scores them on clips
of digits that no training clip shows. --quick is a rehearsal of about a minute with one seed, few
clips and a fifteenth of the iterations: the nets learn visibly, but the scores are not meaningful.
--data-only writes the data that the prototxts name (under data/lrcn) and stops.
"""

import argparse
import time
from datetime import date
from pathlib import Path
from typing import Any

import activity
import captions
import data
import description
import tables
from training import train

from caffe_lite.backend import get_ops
from caffe_lite.backend.describe import processor_name

FULL = data.Sizes(activity=6000, described=8000, test=500)
QUICK = data.Sizes(activity=1000, described=1000, test=100)
QUICK_SHARE = 1 / 15  # of the iterations
NOTES = {
    "activity": (
        "Activity recognition: accuracy, %",
        "Clips of 16 frames as from a hand-held "
        "camera, with exact optical flow; a clip's prediction is the mean over its frames' "
        "probabilities.",
    ),
    "semantics": (
        "Semantic predictions: accuracy, %",
        "The net whose convnet the captioners use and whose predictions the description nets put "
        "into words. Either of two digits, one above the other, may be called the subject, which "
        "limits subject and relation to about 83 %.",
    ),
    "captions": (
        "Captioning",
        "The best of a beam of 5. BLEU in %; right: the caption is one of "
        "the clip's true ones, in %.",
    ),
    "retrieval": ("Retrieval", "Among 200 clips with different captions; recall in %."),
    "description": (
        "Video description",
        "Sentences from the semantic predictions; scores as above.",
    ),
}


def run_seed(work: Path, sizes: data.Sizes, seed: int, share: float) -> dict[str, Any]:
    """All results of one seed, by table."""
    clips = data.make(work, sizes, seed)
    test = clips["test"]
    results: dict[str, Any] = {}
    results["activity"] = activity.run(work, data.shaken_test(test, seed), seed, share)
    semantics = train("semantics/solver.prototxt", work, seed, share)
    results["semantics"] = {
        "test clips": description.accuracies(description.predict(semantics, test), test)
    }
    results["captions"], results["retrieval"] = captions.run(work, test, semantics, seed, share)
    results["description"] = description.run(
        work, clips["captions_train"], test, semantics, seed, share
    )
    return results


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--seeds", type=int, metavar="N", help="how many (default 3, with --quick 1)"
    )
    parser.add_argument("--quick", action="store_true", help="a rehearsal of about a minute")
    parser.add_argument("--data-only", action="store_true", help="write the data and stop")
    parser.add_argument(
        "--work",
        type=Path,
        default=Path("data/lrcn"),
        metavar="DIR",
        help="where data and weights go (default data/lrcn)",
    )
    parser.add_argument(
        "--results",
        type=Path,
        metavar="DIR",
        help="where the tables go (default: benchmarks/lrcn/results; with --quick WORK)",
    )
    args = parser.parse_args()
    sizes, share = (QUICK, QUICK_SHARE) if args.quick else (FULL, 1.0)
    seeds = args.seeds or (1 if args.quick else 3)
    if args.data_only:
        data.make(args.work, sizes, 1)
        return
    start = time.process_time()
    runs = []
    for seed in range(1, seeds + 1):
        print(f"seed {seed}", flush=True)
        runs.append(run_seed(args.work, sizes, seed, share))
    minutes = (time.process_time() - start) / 60
    about = {
        "processor": processor_name(),
        "device": get_ops().name,
        "date": str(date.today()),
        "seeds": seeds,
        "quick": args.quick,
        "processor_minutes": round(minutes, 2),
        "clips": {
            "activity": sizes.activity,
            "semantics": sizes.described,
            "sentences": sizes.described,
            "test": sizes.test,
        },
    }
    text = "\n".join(
        [
            "# LRCN on moving digits\n",
            f"By `python benchmarks/lrcn/run.py{' --quick' * args.quick}` on {about['processor']}, "
            f"{about['date']}; {minutes:.2f} processor minutes. Mean ± standard deviation of "
            f"{seeds} seed{'s' * (seeds > 1)}, each with its own clips and starting weights; "
            f"{sizes.test} test clips each, of digits that no training clip shows.\n",
            *(
                tables.markdown(title, [run[name] for run in runs], note)
                for name, (title, note) in NOTES.items()
            ),
        ]
    )
    print(text)
    folder = args.results or (args.work if args.quick else Path(__file__).parent / "results")
    tables.write(folder, "results", text, {"about": about, "runs": runs})


if __name__ == "__main__":
    main()
