#include "common.cuh"

// y = x where x > 0, else slope * x; y may be x. NaN stays NaN, and a slope of 0 turns -inf into 0.
KERNEL relu(Index n, const Dtype *x, Dtype *y, Dtype slope) {
    FOR_EACH(i, n) {
        Dtype value = x[i];
        if (value <= 0) value = slope == 0 ? (Dtype)0 : slope * value;
        y[i] = value;
    }
}

// dx = dy where x > 0, slope * dy where x <= 0; dx may be dy.
KERNEL relu_grad(Index n, const Dtype *x, const Dtype *dy, Dtype *dx, Dtype slope) {
    FOR_EACH(i, n) {
        Dtype factor = x[i] > 0 ? (Dtype)1 : (x[i] <= 0 ? slope : (Dtype)0);
        dx[i] = dy[i] * factor;
    }
}
