"""MultiBoxLoss as plain loops over images, priors and boxes, from its documentation."""

from math import exp, log

import numpy as np

OPTIONS = {
    "code": "CORNER",
    "smooth": True,
    "softmax": True,
    "shared": True,
    "per_prediction": True,
    "threshold": 0.5,
    "by_prior": True,
    "background": 0,
    "difficult": True,
    "ratio": 3.0,
    "least_overlap": 0.5,
    "mining": "MAX_NEGATIVE",
    "in_target": False,
    "agnostic": False,
    "no_crossing": False,
    "inside": False,
    "sample": 64,
    "nms": None,
    "nms_by_prior": False,
    "weight": 1.0,
    "normalization": "VALID",
}


def overlap(a, b):
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    sizes = [(x[2] - x[0]) * (x[3] - x[1]) for x in (a, b)]
    return width * height / (sum(sizes) - width * height)


def encoded(code, box, prior):
    sides = [prior[2] - prior[0], prior[3] - prior[1]] * 2
    if code == "CORNER":
        return [b - p for b, p in zip(box, prior, strict=True)]
    if code == "CORNER_SIZE":
        return [(b - p) / s for b, p, s in zip(box, prior, sides, strict=True)]
    shift = [(box[i] + box[i + 2] - prior[i] - prior[i + 2]) / 2 / sides[i] for i in (0, 1)]
    return shift + [log((box[i + 2] - box[i]) / sides[i]) for i in (0, 1)]


def decoded(code, value, prior):
    sides = [prior[2] - prior[0], prior[3] - prior[1]] * 2
    if code == "CORNER":
        return [p + v for p, v in zip(prior, value, strict=True)]
    if code == "CORNER_SIZE":
        return [p + v * s for p, v, s in zip(prior, value, sides, strict=True)]
    center = [(prior[i] + prior[i + 2]) / 2 + value[i] * sides[i] for i in (0, 1)]
    half = [exp(value[i + 2]) * sides[i] / 2 for i in (0, 1)]
    return [center[0] - half[0], center[1] - half[1], center[0] + half[0], center[1] + half[1]]


def match(boxes, truths, o):
    """Index of the truth of each box, -1 or -2; and the largest overlaps."""
    ignored = [o["no_crossing"] and (min(b) < 0 or max(b) > 1) for b in boxes]
    table = {
        (i, j): overlap(b, t)
        for i, b in enumerate(boxes)
        for j, t in truths.items()
        if not ignored[i] and overlap(b, t) > 1e-6
    }
    found = [-2 if truths and skip else -1 for skip in ignored]
    best = [
        max([v for (i, _), v in table.items() if i == k], default=0.0) for k in range(len(boxes))
    ]
    free = set(truths)
    while True:
        pairs = [(-v, i, j) for (i, j), v in table.items() if found[i] == -1 and j in free]
        if not pairs:
            break
        value, i, j = min(pairs)
        found[i], best[i] = j, -value
        free.remove(j)
    if o["per_prediction"]:
        for k in range(len(boxes)):
            mine = [(-v, j) for (i, j), v in table.items() if i == k and v >= o["threshold"]]
            if found[k] == -1 and mine:
                found[k] = min(mine)[1]
    return found, best


def confidence_loss(scores, label, o):
    if o["softmax"]:
        return log(sum(exp(s - scores[label]) for s in scores))
    return sum(log(1 + exp(s)) - (s if c == label else 0) for c, s in enumerate(scores))


def location_terms(value, truth, prior, variance, box, o):
    target = encoded(o["code"], truth, prior)
    terms = []
    for k in range(4):
        if o["in_target"]:
            d = (value[k] - target[k]) / variance[k]
        else:
            d = value[k] - target[k] / variance[k]
        if o["inside"] and not 0 <= box[k] <= 1:
            d = 0
        terms.append(d * d / 2 if abs(d) < 1 or not o["smooth"] else abs(d) - 0.5)
    return sum(terms)


def loss(location, confidence, priors, truth, classes, **options):
    """The loss, and how many positives and negatives it counts."""
    o = OPTIONS | options
    images, count = len(location), priors.shape[2] // 4
    boxes, variances = priors[0].reshape(2, count, 4)
    places = 1 if o["shared"] else classes
    location = location.reshape(images, count, places, 4)
    confidence = confidence.reshape(images, count, classes)
    total_location = total_confidence = 0.0
    positives = negatives = 0
    for n in range(images):
        rows = {
            g: row
            for g, row in enumerate(truth.reshape(-1, 8))
            if row[0] == n and (o["difficult"] or not row[7])
        }
        label_of = {
            g: o["background"] + 1 if o["agnostic"] else int(row[1]) for g, row in rows.items()
        }
        labels = [None] * count
        matches, best = {}, {}
        for c in range(places):
            if not o["shared"] and c == o["background"]:
                continue
            predicted = [
                decoded(
                    o["code"], location[n, p, c] * (1 if o["in_target"] else variances[p]), boxes[p]
                )
                for p in range(count)
            ]
            candidates = boxes if o["by_prior"] else predicted
            wanted = {
                g: row[3:7]
                for g, row in rows.items()
                if o["shared"] or o["by_prior"] or int(row[1]) == c
            }
            matches[c], best[c] = match(candidates, wanted, o)
            if not o["shared"] and o["by_prior"]:
                matches[c] = [m if m >= 0 and int(rows[m][1]) == c else -1 for m in matches[c]]
            location_loss = [
                location_terms(
                    location[n, p, c], rows[m][3:7], boxes[p], variances[p], candidates[p], o
                )
                if m >= 0
                else 0
                for p, m in enumerate(matches[c])
            ]
            chosen = set(range(count))
            if o["mining"] != "NONE":
                losses = [
                    confidence_loss(confidence[n, p], label_of[m] if m >= 0 else o["background"], o)
                    + (location_loss[p] if o["mining"] == "HARD_EXAMPLE" else 0)
                    for p, m in enumerate(matches[c])
                ]
                chosen = choose(matches[c], best[c], losses, boxes, predicted, o) if rows else set()
            for p, m in enumerate(matches[c]):
                if m >= 0 and (o["mining"] != "HARD_EXAMPLE" or p in chosen):
                    labels[p] = label_of[m]
                    positives += 1
                    total_location += location_loss[p]
                elif o["mining"] != "NONE" and m == -1 and p in chosen:
                    labels[p] = o["background"]
                    negatives += 1
        for p in range(count):
            label = labels[p]
            if label is None and o["mining"] == "NONE":
                label = o["background"] if o["softmax"] else -1
            if label is not None:
                total_confidence += confidence_loss(confidence[n, p], label, o)
    normalizer = {
        "VALID": positives, "FULL": images * count, "BATCH_SIZE": images, "NONE": 1
    }[o["normalization"]]  # fmt: skip
    value = (o["weight"] * total_location + total_confidence) / max(normalizer, 1)
    return value, positives, negatives


def choose(matches, best, losses, boxes, predicted, o):
    if o["mining"] == "MAX_NEGATIVE":
        able = [p for p, m in enumerate(matches) if m == -1 and best[p] < o["least_overlap"]]
        count = int(sum(m >= 0 for m in matches) * o["ratio"])
    else:
        able, count = list(range(len(matches))), o["sample"]
    able.sort(key=lambda p: -losses[p])
    if o["nms"] is not None:
        shapes = boxes if o["nms_by_prior"] else predicted
        kept = []
        for p in able:
            sides = [shapes[p][i + 2] - shapes[p][i] for i in (0, 1)]
            if (
                min(sides) > 0
                and sides[0] * sides[1] >= 1e-5
                and all(overlap(shapes[p], shapes[k]) <= o["nms"] for k in kept)
            ):
                kept.append(p)
        able = kept
    return set(able[:count])


def given(classes, shared=True, images=3, count=24, seed=0):
    """Random bottoms: priors on a grid, some across the border; two to four boxes near priors."""
    rng = np.random.default_rng(seed)
    center, half = rng.uniform(0.05, 0.95, (count, 2)), rng.uniform(0.1, 0.2, (count, 2))
    boxes = np.concatenate([center - half, center + half], axis=1)
    priors = np.stack([boxes.ravel(), rng.uniform(0.2, 0.6, count * 4)])[None]
    rows = [[-1.0] * 8]
    for n in range(images - 1):  # the last image has no ground truth
        for i in range(2 + n):
            near = boxes[rng.integers(count)] + rng.normal(size=4) * 0.03
            label = rng.integers(1, classes)
            rows.append([n, label, i, *near, i == 1])
    location = rng.normal(size=(images, count * (1 if shared else classes) * 4)) * 0.7
    return [location, rng.normal(size=(images, count * classes)), priors, np.array([[rows]])]
