"""LRCN's three tasks on moving digits: trains every net of prototxt/lrcn and fills the tables.

    python benchmarks/lrcn/run.py [--seeds N] [--quick] [--data-only] [--work DIR] [--results DIR]

Each seed makes its own clips, trains all nets by their solver prototxts and scores them on clips of
digits that no training clip shows. --quick is a rehearsal on few clips and iterations, whose scores
mean nothing. --data-only writes the data that the prototxts name (under data/lrcn), and ends.
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
QUICK = data.Sizes(activity=40, described=100, test=100)
QUICK_ITERATIONS = 3
NOTES = {
    "activity": (
        "Activity recognition: accuracy, %",
        "Clips of 16 frames as from a camera in the "
        "hand, with exact optical flow; a clip's answer is the mean over its frames' "
        "probabilities.",
    ),
    "semantics": (
        "Semantic predictions: accuracy, %",
        "The net whose convnet serves the "
        "captioners and whose answers are put into words below. Of two digits one above "
        "the other either may be the subject, so that some 83 % is the most for subject "
        "and relation.",
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


def run_seed(work: Path, sizes: data.Sizes, seed: int, iterations: int | None) -> dict[str, Any]:
    """All results of one seed, by table."""
    clips = data.make(work, sizes, seed)
    test = clips["test"]
    results: dict[str, Any] = {}
    results["activity"] = activity.run(work, data.shaken_test(test, seed), seed, iterations)
    semantics = train("semantics/solver.prototxt", work, seed, iterations)
    results["semantics"] = {
        "test clips": description.accuracies(description.predict(semantics, test), test)
    }
    results["captions"], results["retrieval"] = captions.run(
        work, test, semantics, seed, iterations
    )
    results["description"] = description.run(
        work, clips["captions_train"], test, semantics, seed, iterations
    )
    return results


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="how many (default 3)")
    parser.add_argument("--quick", action="store_true", help="a rehearsal")
    parser.add_argument("--data-only", action="store_true", help="write the data, and end")
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
    sizes = QUICK if args.quick else FULL
    if args.data_only:
        data.make(args.work, sizes, 1)
        return
    start = time.process_time()
    runs = []
    for seed in range(1, args.seeds + 1):
        print(f"seed {seed}", flush=True)
        runs.append(run_seed(args.work, sizes, seed, QUICK_ITERATIONS if args.quick else None))
    minutes = (time.process_time() - start) / 60
    about = {
        "processor": processor_name(),
        "device": get_ops().name,
        "date": str(date.today()),
        "seeds": args.seeds,
        "quick": args.quick,
        "processor_minutes": round(minutes, 1),
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
            f"{about['date']}; {minutes:.0f} processor minutes. Mean ± standard deviation of "
            f"{args.seeds} seeds, each with its own clips and starting weights; {sizes.test} test "
            "clips each, of digits that no training clip shows.\n",
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
