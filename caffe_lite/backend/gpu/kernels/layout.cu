#include "common.cuh"
#include "rectify.cuh"

// y (b, a, inner) = x (a, b, inner), plus bias[a] unless bias is null, then relu if `rectify`. This
// converts between (images, channels) and the rows of one wide matrix. `inner` may be odd, so only
// y is accessed as Fours.
KERNEL swap_outer(Index n, const Dtype *x, const Dtype *bias, Dtype *y, int a, int b, Index inner,
                  int rectify, Dtype slope) {
    FOR_EACH(four, FOURS(n)) {
        Index row = four * 4 / inner, k = four * 4 - row * inner, from[4];
        int j = (int)(row / a), i = (int)(row - (Index)j * a), channel[4];
        for (int m = 0; m < 4; ++m) {
            from[m] = four * 4 + m < n ? ((Index)i * b + j) * inner + k : 0;
            channel[m] = i;
            bool ends = ++k == inner;
            k = ends ? 0 : k;
            i += ends;
            j += i == a;
            i = i == a ? 0 : i;
        }
        Four values;
        for (int m = 0; m < 4; ++m) values.at[m] = x[from[m]];
        if (bias) {
            for (int m = 0; m < 4; ++m) values.at[m] += bias[channel[m]];
        }
        if (rectify) {
            for (int m = 0; m < 4; ++m) values.at[m] = rectified(values.at[m], slope);
        }
        put_four(values, y, four, n);
    }
}
