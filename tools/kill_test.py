"""Kills trainings at random moments and checks that each one resumes as if it had never stopped.

    python tools/kill_test.py [--kills N] [--seed S] [--work DIR]

Trains a small net on the digits, from LMDB, HDF5 and image lists in turn. After each SIGKILL the
newest complete snapshot must load, and training resumes from it. After the last kill the training
runs to its end; its weights must equal those of a training that was never killed, bit for bit.
"""

import argparse
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DATA_LAYERS = {
    "LMDB": """type: "Data" data_param { source: "digits/train_lmdb" batch_size: 32 backend: LMDB }
        transform_param { scale: 0.00390625 }""",
    "HDF5": """type: "HDF5Data" hdf5_data_param {
        source: "digits/train.txt" batch_size: 32 shuffle: true }""",
    "image list": """type: "ImageData" image_data_param { source: "digits/train_images.txt"
        root_folder: "digits/" batch_size: 32 shuffle: true is_color: false }
        transform_param { scale: 0.00390625 }""",
}
NET = """
layer {{ name: "data" top: "data" top: "label" {data} }}
layer {{ name: "ip1" type: "InnerProduct" bottom: "data" top: "ip1"
        inner_product_param {{ num_output: 64 weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "relu" type: "ReLU" bottom: "ip1" top: "ip1" }}
layer {{ name: "drop" type: "Dropout" bottom: "ip1" top: "ip1" }}
layer {{ name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2"
        inner_product_param {{ num_output: 10 weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "loss" type: "SoftmaxWithLoss" bottom: "ip2" bottom: "label" top: "loss" }}
"""
ITERATIONS, EVERY = 300, 10
SOLVER = f"""
net: "net.prototxt" base_lr: 0.1 momentum: 0.9 lr_policy: "fixed" random_seed: 7
max_iter: {ITERATIONS} snapshot: {EVERY} snapshot_prefix: "run"
"""
FINAL = f"run_iter_{ITERATIONS}.caffemodel"


class KillTestError(Exception):
    """A training that did not survive; the message says which and how."""


class Training:
    """One training in a folder of its own, started, killed and resumed."""

    def __init__(self, folder: Path, form: str, digits: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        (folder / "digits").symlink_to(digits)
        (folder / "net.prototxt").write_text(NET.format(data=DATA_LAYERS[form]))
        (folder / "solver.prototxt").write_text(SOLVER)

    def newest(self) -> Path | None:
        """The state of the newest snapshot of which both files exist."""
        states = {
            int(match[1]): path
            for path in self.folder.iterdir()
            if (match := re.fullmatch(r"run_iter_(\d+)\.solverstate", path.name))
            and path.with_suffix(".caffemodel").exists()
        }
        return states[max(states)] if states else None

    def run(self, seconds: float | None = None) -> bool:
        """Start or resume, and kill after `seconds`; whether the training reached its end."""
        command = [sys.executable, "-m", "caffe_lite", "train", "--solver", "solver.prototxt"]
        state = self.newest()
        if state is not None:
            command += ["--snapshot", state.name]
        process = subprocess.Popen(
            command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        try:
            log = process.communicate(timeout=seconds)[1]
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return False
        if process.returncode:
            what = f"the training from {state.name}" if state else "the first training"
            raise KillTestError(f"{self.folder}: {what} failed:\n{log}")
        return True

    def final(self) -> bytes:
        return (self.folder / FINAL).read_bytes()


def kill_and_resume(
    work: Path, digits: Path, form: str, kills: int, chance: random.Random
) -> list[int]:
    """Kill a training `kills` times; the iterations that it resumed from.

    Raises KillTestError if a training cannot resume or ends with other weights.
    """
    whole = Training(work / "whole", form, digits)
    begin = time.monotonic()
    whole.run()
    duration = time.monotonic() - begin
    resumed = []
    done, number = 0, 0
    while done < kills:
        number += 1
        training = Training(work / f"killed {number}", form, digits)
        while done < kills:
            if training.run(chance.uniform(0, duration)):
                break  # it was faster
            done += 1
            state = training.newest()
            resumed.append(int(state.stem.rpartition("_")[2]) if state else 0)
        training.run()
        if training.final() != whole.final():
            raise KillTestError(f"{training.folder}: {FINAL} differs from that of {whole.folder}")
    return resumed


def main() -> int:
    from caffe_lite.datasets.export import write_digits

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=50, help="kills in all (default: 50)")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--work", type=Path, help="folder to keep (default: a temporary one)")
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    os.environ.setdefault("CAFFE_LITE_THREADS", "1")
    with tempfile.TemporaryDirectory() as temporary:
        work = (arguments.work or Path(temporary)).resolve()
        digits = write_digits(work / "digits")
        for i, form in enumerate(DATA_LAYERS):
            kills = arguments.kills // 3 + (i < arguments.kills % 3)
            resumed = kill_and_resume(work / form, digits, form, kills, chance)
            text = " ".join(map(str, resumed))
            print(f"{form}: {kills} kills, resumed from iterations {text}; same weights")
    print(f"{arguments.kills} kills survived (--seed {arguments.seed})")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KillTestError as error:
        sys.exit(str(error))
