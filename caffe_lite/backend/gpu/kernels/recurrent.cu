#include "common.cuh"

// One time step of an LSTM or a plain recurrent cell after its matrix products, for n = batch *
// hidden cells. `gates` is (batch, 4 * hidden) in the order i, f, o, g; `cont` (batch) is 0 where a
// sequence starts. `h_cont` = cont_next * h enters the next step's product, and `dh_next` is its
// gradient; both are null in the last step.

KERNEL lstm_unit(Index n, Dtype *gates, const Dtype *c_prev, const Dtype *cont, Dtype *c, Dtype *h,
                 const Dtype *cont_next, Dtype *h_cont, int hidden) {
    FOR_EACH(cell, n) {
        Index row = cell / hidden;
        Dtype *gate = gates + row * 4 * hidden + cell % hidden;
        Dtype i = sigmoid(gate[0]);
        Dtype f = sigmoid(gate[hidden]);
        Dtype o = sigmoid(gate[2 * hidden]);
        Dtype g = tanh(gate[3 * hidden]);
        Dtype kept = cont ? cont[row] * f * c_prev[cell] : f * c_prev[cell];
        Dtype value = kept + i * g;
        gate[0] = i;
        gate[hidden] = f;
        gate[2 * hidden] = o;
        gate[3 * hidden] = g;
        c[cell] = value;
        Dtype out = o * tanh(value);
        h[cell] = out;
        if (h_cont) h_cont[cell] = cont_next[row] * out;
    }
}

// `gates` holds the activations that lstm_unit wrote; `dgates` may be the same array.
KERNEL lstm_unit_grad(Index n, const Dtype *gates, const Dtype *c_prev, const Dtype *cont,
                      const Dtype *c, const Dtype *dc, const Dtype *dh, Dtype *dgates,
                      Dtype *dc_prev, const Dtype *dh_next, const Dtype *cont_next, int hidden) {
    FOR_EACH(cell, n) {
        Index row = cell / hidden;
        Index at = row * 4 * hidden + cell % hidden;
        Dtype i = gates[at];
        Dtype f = gates[at + hidden];
        Dtype o = gates[at + 2 * hidden];
        Dtype g = gates[at + 3 * hidden];
        Dtype squashed = tanh(c[cell]);
        Dtype above = dh[cell];
        if (dh_next) above += cont_next[row] * dh_next[cell];
        Dtype total = dc[cell] + above * o * (1 - squashed * squashed);
        Dtype carried = cont ? cont[row] * total : total;
        dgates[at] = total * g * i * (1 - i);
        dgates[at + hidden] = carried * c_prev[cell] * f * (1 - f);
        dgates[at + 2 * hidden] = above * squashed * o * (1 - o);
        dgates[at + 3 * hidden] = total * i * (1 - g * g);
        dc_prev[cell] = carried * f;
    }
}

KERNEL rnn_unit(Index n, const Dtype *pre, Dtype *h, const Dtype *cont_next, Dtype *h_cont,
                int hidden) {
    FOR_EACH(cell, n) {
        Dtype out = tanh(pre[cell]);
        h[cell] = out;
        if (h_cont) h_cont[cell] = cont_next[cell / hidden] * out;
    }
}

KERNEL rnn_unit_grad(Index n, const Dtype *h, const Dtype *dh, Dtype *dpre, const Dtype *dh_next,
                     const Dtype *cont_next, int hidden) {
    FOR_EACH(cell, n) {
        Dtype above = dh[cell];
        if (dh_next) above += cont_next[cell / hidden] * dh_next[cell];
        dpre[cell] = above * (1 - h[cell] * h[cell]);
    }
}
