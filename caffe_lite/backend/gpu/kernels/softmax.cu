#include "common.cuh"
#include "reduce.cuh"

// Softmax over the middle axis of (outer, classes, inner), and cross-entropy with labels (outer,
// inner). `_rows` kernels are for inner = 1 and many classes, with one block per row; `_columns`
// kernels are for any shape, with one thread per position.

// The sum of exponentials is updated together with the running maximum, so x is read twice instead
// of three times.
KERNEL softmax_rows(int rows, const Dtype *x, Dtype *y, int classes) {
    const int step = blockDim.x;
    for (int row = blockIdx.x; row < rows; row += gridDim.x) {
        const Dtype *from = x + (Index)row * classes;
        Dtype *to = y + (Index)row * classes;
        Dtype largest = -LARGEST, sum = 0;
        for (int c = threadIdx.x; c < classes; c += AT_ONCE * step) {
            Dtype values[AT_ONCE], before = largest;
            for (int i = 0; i < AT_ONCE; ++i) {
                values[i] = from[c + i * step < classes ? c + i * step : c];
                largest = values[i] > largest ? values[i] : largest;
            }
            sum *= exp(before - largest);
            for (int i = 0; i < AT_ONCE; ++i) {
                sum += c + i * step < classes ? exp(values[i] - largest) : (Dtype)0;
            }
        }
        Dtype overall = block_max(largest);
        Dtype total = block_sum(sum * exp(largest - overall));
        for (int c = threadIdx.x; c < classes; c += AT_ONCE * step) {
            Dtype values[AT_ONCE];
            for (int i = 0; i < AT_ONCE; ++i) {
                values[i] = from[c + i * step < classes ? c + i * step : c];
            }
            for (int i = 0; i < AT_ONCE; ++i) {
                if (c + i * step < classes) to[c + i * step] = exp(values[i] - overall) / total;
            }
        }
    }
}

KERNEL softmax_columns(Index n, const Dtype *x, Dtype *y, int classes, Index inner) {
    FOR_EACH(i, n) {
        Index start = i / inner * classes * inner + i % inner;
        Dtype largest = x[start];
        for (int c = 1; c < classes; ++c) {
            Dtype value = x[start + c * inner];
            largest = value > largest ? value : largest;
        }
        Dtype sum = 0;
        for (int c = 0; c < classes; ++c) {
            Dtype value = exp(x[start + c * inner] - largest);
            y[start + c * inner] = value;
            sum += value;
        }
        for (int c = 0; c < classes; ++c) y[start + c * inner] /= sum;
    }
}

// dx = y * (dy - sum over classes of dy * y); dx may be dy.
KERNEL softmax_grad_rows(int rows, const Dtype *y, const Dtype *dy, Dtype *dx, int classes) {
    for (int row = blockIdx.x; row < rows; row += gridDim.x) {
        Index start = (Index)row * classes;
        Dtype sum = 0;
        for (int c = threadIdx.x; c < classes; c += blockDim.x) sum += dy[start + c] * y[start + c];
        sum = block_sum(sum);
        for (int c = threadIdx.x; c < classes; c += blockDim.x) {
            dx[start + c] = y[start + c] * (dy[start + c] - sum);
        }
    }
}

KERNEL softmax_grad_columns(Index n, const Dtype *y, const Dtype *dy, Dtype *dx, int classes,
                            Index inner) {
    FOR_EACH(i, n) {
        Index start = i / inner * classes * inner + i % inner;
        Dtype sum = 0;
        for (int c = 0; c < classes; ++c) sum += dy[start + c * inner] * y[start + c * inner];
        for (int c = 0; c < classes; ++c) {
            Index at = start + c * inner;
            dx[at] = y[at] * (dy[at] - sum);
        }
    }
}

// A label, truncated toward zero and clamped to the valid classes.
__device__ inline int class_of(Dtype label, int classes) {
    return label < classes ? (label > 0 ? (int)label : 0) : (label == label ? classes - 1 : 0);
}

// losses = -log(prob[label]), 0 where ignored; each block writes to `partial` the sum of its losses
// and the number of its labels that are not ignored.
KERNEL softmax_loss(Index n, const Dtype *prob, const Dtype *label, int has_ignore, Dtype ignore,
                    Dtype *losses, Dtype *partial, int classes, Index inner) {
    Dtype sum = 0, counted = 0;
    FOR_EACH(i, n) {
        Dtype loss = 0;
        if (!has_ignore || trunc(label[i]) != ignore) {
            int c = class_of(label[i], classes);
            Dtype p = prob[(i / inner * classes + c) * inner + i % inner];
            loss = -log(p < SMALLEST ? SMALLEST : p);
            counted += 1;
        }
        losses[i] = loss;
        sum += loss;
    }
    sum = block_sum(sum);
    counted = block_sum(counted);
    if (threadIdx.x == 0) {
        partial[2 * blockIdx.x] = sum;
        partial[2 * blockIdx.x + 1] = counted;
    }
}

// totals (2,) = the sum of `blocks` pairs; launched with one block.
KERNEL sum_pairs(int blocks, const Dtype *partial, Dtype *totals) {
    Dtype first = 0, second = 0;
    for (int i = threadIdx.x; i < blocks; i += blockDim.x) {
        first += partial[2 * i];
        second += partial[2 * i + 1];
    }
    first = block_sum(first);
    second = block_sum(second);
    if (threadIdx.x == 0) {
        totals[0] = first;
        totals[1] = second;
    }
}

// dx = scale * factor * (prob - [class is label]), 0 where ignored; scale (one number) may be null.
KERNEL softmax_loss_grad(Index n, const Dtype *prob, const Dtype *label, int has_ignore,
                         Dtype ignore, const Dtype *scale, Dtype factor, Dtype *dx, int classes,
                         Index inner) {
    Dtype whole = scale ? scale[0] * factor : factor;
    FOR_EACH(four, FOURS(n)) {
        Index rest = four * 4 / inner, place = four * 4 - rest * inner;
        Index outer = rest / classes;
        int c = (int)(rest - outer * classes);
        Four values = take_four(prob, four, n);
        for (int k = 0; k < 4 && four * 4 + k < n; ++k) {
            Dtype wanted = label[outer * inner + place];
            bool counts = !has_ignore || trunc(wanted) != ignore;
            Dtype hit = class_of(wanted, classes) == c ? 1 : 0;
            values.at[k] = counts ? (values.at[k] - hit) * whole : (Dtype)0;
            if (++place == inner) {
                place = 0;
                if (++c == classes) {
                    c = 0;
                    ++outer;
                }
            }
        }
        put_four(values, dx, four, n);
    }
}

// fault = (1, label) for a label that is neither in [0, classes) nor ignored; NaN is a fault.
KERNEL find_fault(Index n, const Dtype *label, int has_ignore, Dtype ignore, int classes,
                  Dtype *fault) {
    FOR_EACH(i, n) {
        Dtype value = trunc(label[i]);
        bool good = value >= 0 && value < classes;
        if (!good && !(has_ignore && value == ignore)) {
            fault[0] = 1;
            fault[1] = label[i];
        }
    }
}
