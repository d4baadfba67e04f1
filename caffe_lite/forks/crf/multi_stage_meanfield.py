"""MultiStageMeanfield: CRF-RNN's inference in a random field of all pixels, on the host."""

import numpy as np

from caffe_lite.forks.crf._lattice import Lattice
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, Flags


@register("MultiStageMeanfield")
class MultiStageMeanfield(Layer):
    """Mean field inference in a conditional random field in which all pixels are connected:
    Q <- u - M (W_s G_s softmax(Q) + W_b G_b softmax(Q)), `num_iterations` times.

    G_s and G_b are averages over the other pixels of an image with Gaussian weights, by a
    permutohedral lattice: G_s by the distance of pixels, in units of `theta_gamma`; G_b by that in
    units of `theta_alpha` and the difference of colours in units of `theta_beta`. Zheng et al.,
    Conditional Random Fields as Recurrent Neural Networks, ICCV 2015. Runs on the host.

    bottom[0]  u      (N, C, H, W)  scores of classes
    bottom[1]  Q      (N, C, H, W)  what the iterations begin with; mostly the same
    bottom[2]  image  (N, 3, H, W)  colours in [0, 255], perhaps less a mean; takes no gradient
    top[0]     y      (N, C, H, W)  scores
    blobs[0]   W_s    (1, 1, C, C)  `spatial_filter_weight` on the diagonal at first
    blobs[1]   W_b    (1, 1, C, C)  `bilateral_filter_weight` on the diagonal at first
    blobs[2]   M      (1, 1, C, C)  -1 on the diagonal at first

    Differences from CRF-RNN: the files spatial.par and bilateral.par, which give the first weights
    there, are not read; shapes may change from batch to batch; `threshold` and the two forced
    weights have no effect, as there.

    Source: torrvision/crfasrnn, bittnt/caffe

    Example::

        layer { name: "crf" type: "MultiStageMeanfield" bottom: "unary" bottom: "Q0" bottom: "image"
                top: "pred" multi_stage_meanfield_param { num_iterations: 3 theta_alpha: 160
                theta_beta: 3 theta_gamma: 3 spatial_filter_weight: 3 bilateral_filter_weight: 5 } }
    """

    bottoms = (3, 3)
    no_gradient = (2,)
    host_side = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.multi_stage_meanfield_param
        thetas = param.theta_alpha, param.theta_beta, param.theta_gamma
        if param.num_iterations < 1 or min(thetas) <= 0:
            raise self.fail(
                "num_iterations must be at least 1 and theta_alpha, theta_beta and theta_gamma "
                f"positive, got {param.num_iterations}, {', '.join(f'{t:g}' for t in thetas)}"
            )
        self._check(bottom)
        classes = bottom[0].shape[1]
        if not self.blobs:
            diagonal = self.xp.eye(classes, dtype=self.ops.dtype)
            for value in (param.spatial_filter_weight, param.bilateral_filter_weight, -1):
                self.add_blob((1, 1, classes, classes)).data[...] = value * diagonal

    def _check(self, bottom: Blobs) -> None:
        self.require_elements(bottom)
        shapes = [blob.shape for blob in bottom]
        shape = shapes[0]
        if len(shape) != 4 or shapes[1] != shape or shapes[2] != (shape[0], 3, *shape[2:]):
            raise self.fail(
                "needs scores (N, C, H, W) twice and an image (N, 3, H, W), got shapes "
                f"{', '.join(map(str, shapes))}"
            )

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self._check(bottom)
        shape = bottom[0].shape
        if self.blobs[0].shape[2] != shape[1]:
            raise self.fail(
                f"the weights are for {self.blobs[0].shape[2]} classes, bottom[0] has {shape[1]}"
            )
        top[0].reshape(*shape)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        unary, given, image = (self.ops.to_host(blob.data).astype(float) for blob in bottom)
        self._filters = [self._make_filters(colors) for colors in image]
        weights = self._host_weights()
        self._steps = []
        scores = given
        for _ in range(self.param.multi_stage_meanfield_param.num_iterations):
            odds = np.exp(scores - scores.max(axis=1, keepdims=True))
            prob = odds / odds.sum(axis=1, keepdims=True)
            spatial, bilateral = (self._apply(which, prob) for which in (0, 1))
            message = _mix(weights[0], spatial) + _mix(weights[1], bilateral)
            scores = unary - _mix(weights[2], message)
            self._steps.append((prob, spatial, bilateral, message))
        self.ops.copy_to_device(scores.astype(self.ops.dtype), top[0].data)

    def _host_weights(self) -> list[Array]:
        return [self.ops.to_host(blob.data)[0, 0].astype(float) for blob in self.blobs]

    def _make_filters(self, colors: Array) -> list[tuple[Lattice, Array]]:
        """The spatial and the bilateral lattice of an image, with their normalizations (P, 1)."""
        param = self.param.multi_stage_meanfield_param
        height, width = colors.shape[1:]
        y, x = np.divmod(np.arange(height * width), width)
        places = np.stack([x, y], axis=1)
        both = np.column_stack(
            [places / param.theta_alpha, colors.reshape(3, -1).T / param.theta_beta]
        )
        lattices = Lattice(places / param.theta_gamma), Lattice(both)
        ones = np.ones((len(places), 1))
        return [(lattice, 1 / (lattice.filter(ones) + 1e-20)) for lattice in lattices]

    def _apply(self, which: int, values: Array, transposed: bool = False) -> Array:
        """Values (N, C, H, W) through one of the filters, or through its transpose."""
        out = np.empty_like(values)
        for filters, image, result in zip(self._filters, values, out, strict=True):
            lattice, norm = filters[which]
            rows = image.reshape(len(image), -1).T
            rows = lattice.filter(rows * norm, True) if transposed else lattice.filter(rows) * norm
            result[...] = rows.T.reshape(image.shape)
        return out

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if propagate_down[2]:
            raise self.fail("cannot backpropagate to the image (bottom[2])")
        weights = self._host_weights()
        dweights = [np.zeros_like(weight) for weight in weights]
        dscores = self.ops.to_host(top[0].diff).astype(float)
        dunary = np.zeros_like(dscores)
        for prob, spatial, bilateral, message in reversed(self._steps):
            dunary += dscores
            dweights[2] -= _outer(dscores, message)
            dmessage = -_mix(weights[2].T, dscores)
            dprob = np.zeros_like(prob)
            for which, filtered in enumerate((spatial, bilateral)):
                dweights[which] += _outer(dmessage, filtered)
                dprob += self._apply(which, _mix(weights[which].T, dmessage), transposed=True)
            dscores = prob * (dprob - (prob * dprob).sum(axis=1, keepdims=True))
        for i, dweight in enumerate(dweights):
            if self.needs_param_diff(i):
                self.blobs[i].diff[0, 0] += self.xp.asarray(dweight.astype(self.ops.dtype))
        for flag, blob, value in zip(propagate_down, bottom, (dunary, dscores), strict=False):
            if flag:
                self.ops.copy_to_device(value.astype(self.ops.dtype), blob.diff)


def _mix(weight: Array, values: Array) -> Array:
    """Classes (N, C, H, W) mixed by a matrix (C, C)."""
    mixed: Array = np.einsum("oc,nchw->nohw", weight, values)
    return mixed


def _outer(left: Array, right: Array) -> Array:
    """The gradient (C, C) of a mixing matrix."""
    found: Array = np.einsum("nohw,nchw->oc", left, right)
    return found
