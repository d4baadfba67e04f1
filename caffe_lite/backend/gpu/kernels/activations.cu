#include "common.cuh"
#include "rectify.cuh"

// y = x where x > 0, else slope * x; y may be x.
KERNEL relu(Index n, const Dtype *x, Dtype *y, Dtype slope) {
    FOR_EACH(four, FOURS(n)) {
        Four values = take_four(x, four, n);
        for (int k = 0; k < 4; ++k) values.at[k] = rectified(values.at[k], slope);
        put_four(values, y, four, n);
    }
}

// dx = dy where x > 0, slope * dy where x <= 0; dx may be dy.
KERNEL relu_grad(Index n, const Dtype *x, const Dtype *dy, Dtype *dx, Dtype slope) {
    FOR_EACH(four, FOURS(n)) {
        Four input = take_four(x, four, n), gradient = take_four(dy, four, n);
        for (int k = 0; k < 4; ++k) {
            Dtype value = input.at[k];
            gradient.at[k] *= value > 0 ? (Dtype)1 : (value <= 0 ? slope : (Dtype)0);
        }
        put_four(gradient, dx, four, n);
    }
}

// y = max(x, 0) + slope * min(x, 0), one slope per channel; y may be x.
KERNEL prelu(Index n, const Dtype *x, const Dtype *slope, Dtype *y, int channels, Index pixels) {
    FOR_EACH(i, n) {
        Dtype value = x[i];
        y[i] = value > 0 ? value : slope[i / pixels % channels] * value;
    }
}

// dx = dy where x > 0, slope * dy where x <= 0; dx may be dy.
KERNEL prelu_grad(Index n, const Dtype *x, const Dtype *slope, const Dtype *dy, Dtype *dx,
                  int channels, Index pixels) {
    FOR_EACH(i, n) {
        Dtype factor = x[i] > 0 ? (Dtype)1
                                : (x[i] <= 0 ? slope[i / pixels % channels] : (Dtype)0);
        dx[i] = dy[i] * factor;
    }
}
