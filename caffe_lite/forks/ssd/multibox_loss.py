"""MultiBoxLoss: what SSD is trained with."""

from typing import Any

from caffe_lite.forks.boxes.codes import decode
from caffe_lite.forks.ssd._assign import Assignment, Matcher
from caffe_lite.forks.ssd._confidence import LEFT_OUT, LogisticConfidence, SoftmaxConfidence
from caffe_lite.forks.ssd._location import LocationLoss
from caffe_lite.forks.ssd._mining import Miner
from caffe_lite.forks.ssd._truths import COLUMNS, Truths, find_fault, read_truths
from caffe_lite.layers._loss import NormalizedLossLayer
from caffe_lite.layers.registry import register
from caffe_lite.proto import schema
from caffe_lite.types import Array, Blobs, Flags

_ANY = 2**31  # more classes than labels can name


@register("MultiBoxLoss")
class MultiBoxLoss(NormalizedLossLayer):
    """The loss of box codes and class scores against ground truth boxes:
    loss = (loc_weight * location loss + confidence loss) / normalizer.

    Priors are matched with ground truth by intersection over union. Each ground truth gets the
    prior that overlaps it most; with `match_type: PER_PREDICTION` every other prior that overlaps
    one by at least `overlap_threshold` is matched with the nearest as well. Matched priors are the
    positives.

        location    sum over positives and coordinates of d^2 / 2 where |d| < 1, else |d| - 1/2
                    (SMOOTH_L1), or of d^2 / 2 (L2); d = predicted code - code of the ground truth
        confidence  sum over chosen priors of -log softmax[label] (SOFTMAX), or of the logistic
                    losses of all classes (LOGISTIC)

    The label of a prior is that of its ground truth, else the background. `mining_type` chooses
    priors: MAX_NEGATIVE takes all positives and, per image, `neg_pos_ratio` times as many negatives
    of largest confidence loss, from those that overlap every ground truth by less than
    `neg_overlap`; HARD_EXAMPLE takes the `sample_size` priors of largest loss; NONE takes all. An
    image without ground truth gives no negatives. `nms_param` suppresses overlapping candidates.

    bottom[0]  location    (N, P * L * 4)   codes of P priors; L is 1, or C with
                                            `share_location: false`
    bottom[1]  confidence  (N, P * C)       scores of C = `num_classes` classes
    bottom[2]  priors      (1, 2, P * 4)    coordinates and variances; its gradient is 0
    bottom[3]  truth       (1, 1, G, 8)     rows (image, label, instance, xmin, ymin, xmax, ymax,
                                            difficult); image -1: not a box; takes no gradient
    top[0]     loss        ()

    `loss_param.normalization` picks the normalizer, at least 1: VALID (the number of positives, the
    default), FULL (N * P), BATCH_SIZE (N) or NONE. A term whose `propagate_down` is false is left
    out of the loss. Boxes may leave the image; one of no area is never matched. Matching and mining
    run on the host.

    Differences from SSD: equal losses go by the index of the prior, where SSD's order is open. With
    `encode_variance_in_target`, SSD's gradient lacks the division by the variances that the loss
    has; here it is right. `nms_param` without `top_k` considers all candidates, where SSD takes
    none. LOGISTIC without mining is right for batches of several images, and starts from targets of
    0 whatever `background_label_id` is. A ground truth outside the batch is an error.

    Source: weiliu89/caffe (branch ssd)

    Example::

        layer { name: "mbox_loss" type: "MultiBoxLoss" bottom: "mbox_loc" bottom: "mbox_conf"
                bottom: "mbox_priorbox" bottom: "label" top: "mbox_loss"
                propagate_down: true propagate_down: true propagate_down: false
                propagate_down: false
                multibox_loss_param { num_classes: 21 code_type: CENTER_SIZE } }
    """

    bottoms = (4, 4)
    no_gradient = (2, 3)
    host_side = True
    reads = ("multibox_loss_param", "loss_param")

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        param, kinds = self.param.multibox_loss_param, schema.MultiBoxLossParameter
        self._classes, self._shared = param.num_classes, param.share_location
        self._background = param.background_label_id
        self._mines = param.mining_type != kinds.NONE
        self._hard = param.mining_type == kinds.HARD_EXAMPLE
        self._softmax = param.conf_loss_type == kinds.SOFTMAX
        self._check(param)
        self._location = LocationLoss(
            self.xp,
            code=schema.PriorBoxParameter.CodeType.Name(param.code_type),
            smooth=param.loc_loss_type == kinds.SMOOTH_L1,
            variance_in_target=param.encode_variance_in_target,
        )
        per_prediction = param.match_type == kinds.PER_PREDICTION
        self._matcher = Matcher(
            threshold=param.overlap_threshold if per_prediction else None,
            background=self._background,
            ignore_crossing=param.ignore_cross_boundary_bbox,
        )
        nms = param.nms_param
        self._suppresses = param.HasField("nms_param") and nms.nms_threshold > 0
        self._miner = Miner(
            sample_size=param.sample_size if self._hard else None,
            ratio=param.neg_pos_ratio,
            least_overlap=param.neg_overlap,
            suppression=nms.nms_threshold if self._suppresses else None,
            top_k=nms.top_k if nms.HasField("top_k") else -1,
        )
        flags = list(self.param.propagate_down) or [True, True]
        self._weights = [param.loc_weight if flags[0] else 0.0, 1.0 if flags[1] else 0.0]

    def _check(self, param: Any) -> None:
        """Fail for parameters that contradict each other."""
        if not self._classes:
            raise self.fail("needs num_classes, the number of classes with the background")
        if self._softmax and self._background >= self._classes:
            raise self.fail(
                f"background_label_id must be below num_classes ({self._classes}) with SOFTMAX, "
                f"got {self._background}"
            )
        if self._mines and not self._shared:
            raise self.fail(
                "share_location: false goes with mining_type: NONE only; the boxes of a class have "
                "no common confidence"
            )
        if param.HasField("do_neg_mining") and param.do_neg_mining != self._mines:
            raise self.fail(
                "do_neg_mining must say the same as mining_type, got "
                f"{str(param.do_neg_mining).lower()}; drop it"
            )
        if param.map_object_to_agnostic and self._classes != 2:
            raise self.fail(f"map_object_to_agnostic needs num_classes: 2, got {self._classes}")
        if param.sample_size < 1 and self._mines:
            raise self.fail(f"sample_size must be at least 1, got {param.sample_size}")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        location, confidence, priors, truth = (blob.shape for blob in bottom)
        if priors[:2] != (1, 2) or bottom[2].count % 8:
            raise self.fail(
                f"the priors (bottom[2]) must have shape (1, 2, 4 * priors), got {priors}"
            )
        if truth[-1:] != (COLUMNS,):
            raise self.fail(
                f"the ground truth (bottom[3]) must have shape (1, 1, boxes, {COLUMNS}), got "
                f"{truth}"
            )
        images, count = location[0], bottom[2].count // 8
        loc_classes = 1 if self._shared else self._classes
        for name, blob, each in (
            ("location (bottom[0])", bottom[0], loc_classes * 4),
            ("confidence (bottom[1])", bottom[1], self._classes),
        ):
            if blob.count != images * count * each:
                raise self.fail(
                    f"needs {each} numbers in {name} for each of {count} priors, got shapes "
                    f"{location} and {confidence}"
                )
        self._view = (images, count, loc_classes, 4)
        kind = SoftmaxConfidence if self._softmax else LogisticConfidence
        self._confidence = kind(self.ops, images * count, self._classes)
        self._labels = self.ops.empty((images * count,))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        scores = bottom[1].data.reshape(-1, self._classes)
        self._confidence.score(scores)
        truths = self._read_truths(bottom[3].data)
        boxes = self._predicted_boxes(bottom)
        assigned = self._assign(bottom, boxes, truths)
        negatives = self._mine(bottom, assigned, boxes, truths) if self._mines else None
        self._compare(bottom, assigned, boxes, truths)
        self._set_labels(assigned, truths, negatives)
        losses = self._confidence.losses(scores, self._labels)
        positives = self.ops.asarray(len(self._difference), dtype=self.ops.dtype)
        self._divisor = self.normalizer(*self._view[:2], positives)
        total = self._weights[0] * self._location.losses(self._difference).sum()
        top[0].data[...] = (total + self._weights[1] * losses.sum()) / self._divisor

    def _read_truths(self, rows: Array) -> Truths:
        truths = read_truths(self.ops.to_host(rows))
        agnostic = self.param.multibox_loss_param.map_object_to_agnostic
        classes = _ANY if agnostic else self._classes
        fault = find_fault(truths, self._view[0], classes, self._background)
        if fault is not None:
            raise self.fail(fault)
        if self.param.multibox_loss_param.use_difficult_gt:
            return truths
        return truths.only(~truths.difficult)

    def _predicted_boxes(self, bottom: Blobs) -> Array | None:
        """The predicted boxes (N, P, L, 4) if an option needs them, else None."""
        param = self.param.multibox_loss_param
        by_suppression = self._mines and self._suppresses and not param.use_prior_for_nms
        if param.use_prior_for_matching and not by_suppression:
            return None
        priors, variances = bottom[2].data.reshape(2, -1, 1, 4)
        codes = bottom[0].data.reshape(self._view)
        given = None if param.encode_variance_in_target else variances
        return decode(self.xp, self._location.code, codes, priors, given)

    def _assign(self, bottom: Blobs, boxes: Array | None, truths: Truths) -> Assignment:
        images, _, loc_classes, _ = self._view
        if boxes is None or self.param.multibox_loss_param.use_prior_for_matching:
            priors = self.ops.to_host(bottom[2].data).reshape(2, -1, 4)[0]
            return self._matcher.priors(priors, truths, images, loc_classes)
        return self._matcher.predictions(self.ops.to_host(boxes), truths)

    def _mine(
        self, bottom: Blobs, assigned: Assignment, boxes: Array | None, truths: Truths
    ) -> Array:
        """The mask (N, P) of negatives that count; unmatches positives that do not."""
        labels = assigned.labels(self._labels_of(truths), self._background)
        self._labels[...] = self.ops.asarray(labels.reshape(-1), dtype=self.ops.dtype)
        scores = bottom[1].data.reshape(-1, self._classes)
        losses = self._confidence.losses(scores, self._labels).reshape(self._view[:2])
        if self._hard:
            self._compare(bottom, assigned, boxes, truths)
            losses = losses.copy()
            losses[self._index[:2]] += self._location.losses(self._difference)
        if boxes is None or self.param.multibox_loss_param.use_prior_for_nms:
            candidates = self.ops.to_host(bottom[2].data).reshape(2, 1, -1, 4)[0]
        else:
            candidates = self.ops.to_host(boxes)[:, :, 0]
        return self._miner.mine(assigned, self.ops.to_host(losses), candidates)

    def _labels_of(self, truths: Truths) -> Array:
        """The label that each ground truth gives its priors."""
        if self.param.multibox_loss_param.map_object_to_agnostic:
            return truths.label * 0 + (self._background + 1)
        return truths.label

    def _compare(
        self, bottom: Blobs, assigned: Assignment, boxes: Array | None, truths: Truths
    ) -> None:
        """Keep where the positives are and how far their codes are from the ground truth's."""
        image, prior, loc_class, truth = assigned.positives()
        # Indices into the location blob: image, prior, location class
        self._index = tuple(self.ops.asarray(each, "int64") for each in (image, prior, loc_class))
        priors, self._variances = bottom[2].data.reshape(2, -1, 4)[:, self._index[1]]
        difference = self._location.compare(
            bottom[0].data.reshape(self._view)[self._index],
            self.ops.asarray(truths.boxes[truth], dtype=self.ops.dtype),
            priors,
            self._variances,
        )
        param = self.param.multibox_loss_param
        if param.bp_inside:
            matched = priors
            if boxes is not None and not param.use_prior_for_matching:
                matched = boxes[self._index]
            difference *= (matched >= 0) & (matched <= 1)
        self._difference = difference

    def _set_labels(self, assigned: Assignment, truths: Truths, negatives: Array | None) -> None:
        """Give every prior the label that the confidence loss compares it with."""
        if negatives is None:
            others = self._background if self._softmax else self._classes
            labels = assigned.labels(self._labels_of(truths), others)
        else:
            labels = assigned.labels(self._labels_of(truths), LEFT_OUT)
            labels[negatives] = self._background
        self._labels[...] = self.ops.asarray(labels.reshape(-1), dtype=self.ops.dtype)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if propagate_down[3]:
            raise self.fail(
                "cannot backpropagate to the ground truth (bottom[3]); set propagate_down: false "
                "for it, or cut the branch that makes it"
            )
        scale = top[0].diff / self._divisor
        if propagate_down[0]:
            dx = bottom[0].diff.reshape(self._view)
            dx[...] = 0
            slope = self._location.gradient(self._difference, self._variances)
            dx[self._index] = slope * (scale * self._weights[0])
        if propagate_down[1]:
            dx = bottom[1].diff.reshape(-1, self._classes)
            scores = bottom[1].data.reshape(-1, self._classes)
            self._confidence.gradient(scores, self._labels, scale * self._weights[1], dx)
        if propagate_down[2]:
            bottom[2].diff[...] = 0
