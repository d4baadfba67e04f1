"""Recurrent layers with sequence indicators."""

import torch
from torch import nn


def carried(state: torch.Tensor | None, streams: int, like: torch.Tensor) -> torch.Tensor:
    """The state that a call begins with: the last one's, or zeros if there are more streams."""
    if state is None or streams > state.shape[0]:
        return like.new_zeros(streams, like.shape[-1])
    return state[:streams].to(like)


class LSTM(nn.Module):
    """Caffe's LSTM: gates in the order i, f, o, g; a sequence begins where cont is 0.

    x is (T, N, ...), cont (T, N), static (N, ...). The last states go on to the next call, without
    a gradient. nn.LSTM has neither cont nor a static input.
    """

    def __init__(self, inputs: int, hidden: int, static: int = 0) -> None:
        super().__init__()
        self.weight_x = nn.Parameter(torch.empty(4 * hidden, inputs))
        self.bias = nn.Parameter(torch.zeros(4 * hidden))
        self.weight_static = nn.Parameter(torch.empty(4 * hidden, static)) if static else None
        self.weight_h = nn.Parameter(torch.empty(4 * hidden, hidden))
        self.reset()

    def reset(self) -> None:
        """Forget the states that the last call left."""
        self.h: torch.Tensor | None = None
        self.c: torch.Tensor | None = None

    def forward(
        self, x: torch.Tensor, cont: torch.Tensor, static: torch.Tensor | None = None
    ) -> torch.Tensor:
        h, c = (carried(state, x.shape[1], self.weight_h[0, None]) for state in (self.h, self.c))
        y, h, c = self.run(x, cont, static, h, c)
        self.h, self.c = h.detach(), c.detach()
        return y

    def exposed(
        self,
        x: torch.Tensor,
        cont: torch.Tensor,
        static: torch.Tensor | None,
        h: torch.Tensor,
        c: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """As a layer with expose_hidden: states (1, N, H) come and go, without a gradient."""
        y, h, c = self.run(x, cont, static, h[0].detach(), c[0].detach())
        return y, h.detach()[None], c.detach()[None]

    def run(
        self,
        x: torch.Tensor,
        cont: torch.Tensor,
        static: torch.Tensor | None,
        h: torch.Tensor,
        c: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The states h of all steps, and the last h and c."""
        gates = x.flatten(2) @ self.weight_x.T + self.bias
        if static is not None:
            gates = gates + static.flatten(1) @ self.weight_static.T
        steps = []
        for gate, go_on in zip(gates, cont.unsqueeze(-1)):
            i, f, o, g = (gate + (go_on * h) @ self.weight_h.T).chunk(4, 1)
            c = go_on * f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            steps.append(h)
        return torch.stack(steps), h, c


class RNN(nn.Module):
    """Caffe's RNN, with an output layer of its own; a sequence begins where cont is 0."""

    def __init__(self, inputs: int, hidden: int, static: int = 0) -> None:
        super().__init__()
        self.weight_x = nn.Parameter(torch.empty(hidden, inputs))
        self.bias = nn.Parameter(torch.zeros(hidden))
        self.weight_static = nn.Parameter(torch.empty(hidden, static)) if static else None
        self.weight_h = nn.Parameter(torch.empty(hidden, hidden))
        self.weight_o = nn.Parameter(torch.empty(hidden, hidden))
        self.bias_o = nn.Parameter(torch.zeros(hidden))
        self.reset()

    def reset(self) -> None:
        """Forget the state that the last call left."""
        self.h: torch.Tensor | None = None

    def forward(
        self, x: torch.Tensor, cont: torch.Tensor, static: torch.Tensor | None = None
    ) -> torch.Tensor:
        h = carried(self.h, x.shape[1], self.weight_h[0, None])
        y, h = self.run(x, cont, static, h)
        self.h = h.detach()
        return y

    def exposed(
        self,
        x: torch.Tensor,
        cont: torch.Tensor,
        static: torch.Tensor | None,
        h: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """As a layer with expose_hidden: the state (1, N, H) comes and goes, without a gradient."""
        y, h = self.run(x, cont, static, h[0].detach())
        return y, h.detach()[None]

    def run(
        self,
        x: torch.Tensor,
        cont: torch.Tensor,
        static: torch.Tensor | None,
        h: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The outputs of all steps, and the last h."""
        inputs = x.flatten(2) @ self.weight_x.T + self.bias
        if static is not None:
            inputs = inputs + static.flatten(1) @ self.weight_static.T
        steps = []
        for each, go_on in zip(inputs, cont.unsqueeze(-1)):
            h = (each + (go_on * h) @ self.weight_h.T).tanh()
            steps.append(h)
        return (torch.stack(steps) @ self.weight_o.T + self.bias_o).tanh(), h


def lstm_unit(
    c: torch.Tensor, gates: torch.Tensor, cont: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """One step of Caffe's LSTM from its pre-activations i, f, o, g: the new c and h."""
    i, f, o, g = gates.chunk(4, 2)
    c = cont.unsqueeze(-1) * f.sigmoid() * c + i.sigmoid() * g.tanh()
    return c, o.sigmoid() * c.tanh()


class ClippedLSTM(nn.Module):
    """caffe-lstm's: all steps of N sequences as rows, gradients of the gates cut to a threshold.

    `batch` is N; None takes x as (T, N, ...). Without `clip` (0 where a sequence begins) every call
    begins new sequences.
    """

    def __init__(
        self, inputs: int, hidden: int, batch: int | None = None, threshold: float = 0
    ) -> None:
        super().__init__()
        self.batch, self.threshold = batch, threshold
        self.weight_x = nn.Parameter(torch.empty(4 * hidden, inputs))
        self.weight_h = nn.Parameter(torch.empty(4 * hidden, hidden))
        self.bias = nn.Parameter(torch.zeros(4 * hidden))
        self.reset()

    def reset(self) -> None:
        """Forget the states that the last call left."""
        self.h: torch.Tensor | None = None
        self.c: torch.Tensor | None = None

    def forward(self, x: torch.Tensor, clip: torch.Tensor | None = None) -> torch.Tensor:
        steps = x.flatten(2) if self.batch is None else x.flatten(1).unflatten(0, (-1, self.batch))
        count, streams = steps.shape[:2]
        like = self.weight_h[0, None]
        if self.h is None or len(self.h) != streams:
            self.h = self.c = like.new_zeros(streams, like.shape[1])
        h, c = self.h.to(like), self.c.to(like)
        if clip is None:
            cont = torch.ones(count, streams, 1).to(x)
            cont[0] = 0
        else:
            cont = (clip != 0).to(x.dtype).reshape(count, streams, 1)
        found = []
        for gate, go_on in zip(steps @ self.weight_x.T + self.bias, cont):
            gate = gate + (go_on * h) @ self.weight_h.T
            if self.threshold and gate.requires_grad:
                gate.register_hook(lambda g: g.clamp(-self.threshold, self.threshold))
            i, f, o, g = gate.chunk(4, 1)
            c = f.sigmoid() * (go_on * c) + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            found.append(h)
        self.h, self.c = h.detach(), c.detach()
        y = torch.stack(found)
        return y if self.batch is None else y.flatten(0, 1)
