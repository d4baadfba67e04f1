"""GradientScaler: a gradient that is reversed on its way back."""

from math import exp

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags, State


@register("GradientScaler")
class GradientScaler(Layer):
    """Passes data on as it is, and gradients times -c: dx = -c dy.

        c = lower_bound + h (2 / (1 + exp(-alpha p)) - 1),  h = upper_bound - lower_bound

    p = min(1, i / max_iter) counts the backward passes i in training before this one. Ganin and
    Lempitsky, Unsupervised Domain Adaptation by Backpropagation, ICML 2015.

    bottom[0]  x  any shape
    top[0]     y  the memory of x

    Differences from ddtm's: p counts backward passes, there the solver's iterations; with iter_size
    give max_iter as many times.

    Source: ddtm/caffe

    Example::

        layer { name: "reverse" type: "GradientScaler" bottom: "x" top: "y"
                gradient_scaler_param { upper_bound: 0.1 max_iter: 10000 } }
    """

    keeps_layout = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.gradient_scaler_param
        if not param.lower_bound <= param.upper_bound or param.alpha < 0 or param.max_iter < 1:
            raise self.fail(
                "lower_bound must not exceed upper_bound, alpha must be at least 0 and max_iter at "
                f"least 1, got {param.lower_bound:g}, {param.upper_bound:g}, {param.alpha:g} and "
                f"{param.max_iter:g}"
            )
        self._passes = 0

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        top[0].reshape(*bottom[0].shape)
        top[0].share_data(bottom[0])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        """The top has the bottom's memory."""

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        param = self.param.gradient_scaler_param
        progress = min(1.0, self._passes / param.max_iter)
        height = param.upper_bound - param.lower_bound
        factor = param.lower_bound + height * (2 / (1 + exp(-param.alpha * progress)) - 1)
        self._passes += 1
        if propagate_down[0]:
            self.xp.multiply(top[0].diff, -factor, out=bottom[0].diff)

    def get_state(self) -> State:
        return {**super().get_state(), "passes": self._passes}

    def set_state(self, state: State) -> None:
        super().set_state(state)
        self._passes = state["passes"]
