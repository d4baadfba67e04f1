#include "common.cuh"

// Cropping, tiling and the element-wise maximum.

// `window` is three rows of `axes` integers: the sizes of x, and the part's start and sizes.

KERNEL crop(Index n, const Dtype *x, Dtype *y, const int *window, int axes) {
    const int *size = window, *first = window + axes, *count = window + 2 * axes;
    FOR_EACH(i, n) {
        Index rest = i, from = 0, step = 1;
        for (int axis = axes - 1; axis >= 0; --axis) {
            from += (rest % count[axis] + first[axis]) * step;
            rest /= count[axis];
            step *= size[axis];
        }
        y[i] = x[from];
    }
}

// One thread per element of dx, inside the part or not, so dx need not be zeroed first.
KERNEL crop_grad(Index n, const Dtype *dy, Dtype *dx, const int *window, int axes) {
    const int *size = window, *first = window + axes, *count = window + 2 * axes;
    FOR_EACH(i, n) {
        Index rest = i, from = 0, step = 1;
        bool inside = true;
        for (int axis = axes - 1; axis >= 0; --axis) {
            Index at = rest % size[axis] - first[axis];
            inside = inside && at >= 0 && at < count[axis];
            from += at * step;
            rest /= size[axis];
            step *= count[axis];
        }
        dx[i] = inside ? dy[from] : (Dtype)0;
    }
}

// y (outer, tiles, inner) = x (outer, inner).
KERNEL tile(Index n, const Dtype *x, Dtype *y, int tiles, Index inner) {
    FOR_EACH(i, n) y[i] = x[i / inner / tiles * inner + i % inner];
}

KERNEL tile_grad(Index n, const Dtype *dy, Dtype *dx, int tiles, Index inner) {
    FOR_EACH(i, n) {
        const Dtype *from = dy + i / inner * tiles * inner + i % inner;
        Dtype sum = 0;
        for (int t = 0; t < tiles; ++t) sum += from[t * inner];
        dx[i] = sum;
    }
}

// y = max(a, b), and winner = index where b is chosen. With index 1, a is xs[0] and b wins ties.
// With a larger index, a is y, the maximum so far with its winner, and b must be larger. NaN is
// kept.
KERNEL eltwise_max(Index n, const Dtype *a, const Dtype *b, int index, Dtype *y, int *winner) {
    FOR_EACH(i, n) {
        Dtype before = a[i], now = b[i];
        bool wins = index == 1 ? !(before > now) : now > before;
        if (wins || index == 1) winner[i] = wins ? index : 0;
        y[i] = before != before || before > now ? before : now;
    }
}

KERNEL eltwise_max_grad(Index n, const Dtype *dy, const int *winner, int index, Dtype *dx) {
    FOR_EACH(i, n) dx[i] = winner[i] == index ? dy[i] : (Dtype)0;
}
