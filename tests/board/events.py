"""Logs in JSON as trainings write them, for the tests of the board."""

import json


def about(**fields):
    return {"event": "about", "time": 1.0, "solver": "/x/solver.prototxt", "settings": "", **fields}


def start(max_iter=100):
    return {
        "event": "start",
        "time": 1.0,
        "net": "n",
        "lr_policy": "fixed",
        "iteration": 0,
        "max_iter": max_iter,
    }


def train(iteration, loss, rate=0.5):
    return {
        "event": "train",
        "time": 1.0 + iteration / 8,
        "iteration": iteration,
        "loss": loss,
        "learning_rate": rate,
        "outputs": {"loss": [loss]},
        "loss_weights": {"loss": 1.0},
    }


def done(iteration=100, early=False):
    return {"event": "done", "time": 30.0, "iteration": iteration, "early": early}


def write(path, *events, mode="w"):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, mode, encoding="utf-8") as file:
        for event in events:
            file.write(json.dumps(event) + "\n")
