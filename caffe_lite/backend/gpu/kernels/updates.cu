#include "common.cuh"
#include "reduce.cuh"

// Solver updates of all learnable blobs in one launch. Block b works on elements
// piece[b] * PIECE ... of blob[b]. `arrays` holds four addresses per blob: data, diff and two
// histories (0 where a rule has fewer); `multipliers` two numbers: lr_mult, decay_mult. `controls`
// is (rate, scale, iteration), read from the device so that a captured graph sees new values.

#define UPDATE_ARGUMENTS                                                                       \
    const unsigned long long *arrays, const long long *sizes, const double *multipliers,       \
        const int *blob, const int *piece, const double *controls, double weight_decay, int l1

// What every rule begins with: this block's arrays, its learning rate and its decay.
#define UPDATE_BEGIN                                                                           \
    const int own = blob[blockIdx.x];                                                          \
    Dtype *data = (Dtype *)arrays[4 * own], *diff = (Dtype *)arrays[4 * own + 1];              \
    Dtype *history = (Dtype *)arrays[4 * own + 2];                                             \
    const double own_rate = controls[0] * multipliers[2 * own];                                \
    const Dtype scale = (Dtype)controls[1];                                                    \
    const Dtype decay = (Dtype)(weight_decay * multipliers[2 * own + 1]);                      \
    const long long start = (long long)piece[blockIdx.x] * PIECE;                              \
    const long long end = start + PIECE < sizes[own] ? start + PIECE : sizes[own];

#define FOR_EACH_OF_PIECE(i) for (long long i = start + threadIdx.x; i < end; i += blockDim.x)

__device__ inline Dtype gradient(Dtype diff, Dtype data, Dtype scale, Dtype decay, int l1) {
    Dtype penalty = l1 ? (Dtype)((data > 0) - (data < 0)) : data;
    return scale * diff + (decay != 0 ? decay * penalty : (Dtype)0);
}

KERNEL update_sgd(UPDATE_ARGUMENTS, Dtype momentum) {
    UPDATE_BEGIN
    const Dtype rate = (Dtype)own_rate;
    FOR_EACH_OF_PIECE(i) {
        Dtype g = gradient(diff[i], data[i], scale, decay, l1);
        Dtype step = rate * g + momentum * history[i];
        history[i] = diff[i] = step;
        data[i] -= step;
    }
}

KERNEL update_nesterov(UPDATE_ARGUMENTS, Dtype momentum) {
    UPDATE_BEGIN
    const Dtype rate = (Dtype)own_rate;
    FOR_EACH_OF_PIECE(i) {
        Dtype g = gradient(diff[i], data[i], scale, decay, l1);
        Dtype before = history[i];
        Dtype now = rate * g + momentum * before;
        Dtype step = (1 + momentum) * now - momentum * before;
        history[i] = now;
        diff[i] = step;
        data[i] -= step;
    }
}

KERNEL update_adagrad(UPDATE_ARGUMENTS, Dtype delta) {
    UPDATE_BEGIN
    const Dtype rate = (Dtype)own_rate;
    FOR_EACH_OF_PIECE(i) {
        Dtype g = gradient(diff[i], data[i], scale, decay, l1);
        Dtype squares = history[i] + g * g;
        Dtype step = rate * (g / (sqrt(squares) + delta));
        history[i] = squares;
        diff[i] = step;
        data[i] -= step;
    }
}

KERNEL update_rmsprop(UPDATE_ARGUMENTS, Dtype rms_decay, Dtype delta) {
    UPDATE_BEGIN
    const Dtype rate = (Dtype)own_rate;
    FOR_EACH_OF_PIECE(i) {
        Dtype g = gradient(diff[i], data[i], scale, decay, l1);
        Dtype squares = (1 - rms_decay) * (g * g) + rms_decay * history[i];
        Dtype step = rate * (g / (sqrt(squares) + delta));
        history[i] = squares;
        diff[i] = step;
        data[i] -= step;
    }
}

KERNEL update_adadelta(UPDATE_ARGUMENTS, Dtype momentum, Dtype delta) {
    UPDATE_BEGIN
    const Dtype rate = (Dtype)own_rate;
    Dtype *steps = (Dtype *)arrays[4 * own + 3];
    FOR_EACH_OF_PIECE(i) {
        Dtype g = gradient(diff[i], data[i], scale, decay, l1);
        Dtype squares = (1 - momentum) * (g * g) + momentum * history[i];
        Dtype u = g * sqrt((steps[i] + delta) / (squares + delta));
        steps[i] = (1 - momentum) * (u * u) + momentum * steps[i];
        history[i] = squares;
        diff[i] = rate * u;
        data[i] -= rate * u;
    }
}

// The two powers are computed once per block: double precision is slow on many devices.
KERNEL update_adam(UPDATE_ARGUMENTS, double momentum, double momentum2, Dtype delta) {
    UPDATE_BEGIN
    __shared__ double correction;
    Dtype *second = (Dtype *)arrays[4 * own + 3];
    if (threadIdx.x == 0) {
        double t = controls[2] + 1;
        correction = sqrt(1 - pow(momentum2, t)) / (1 - pow(momentum, t));
    }
    __syncthreads();
    const Dtype corrected = (Dtype)(own_rate * correction);
    const Dtype keep = (Dtype)momentum, keep2 = (Dtype)momentum2;
    FOR_EACH_OF_PIECE(i) {
        Dtype g = gradient(diff[i], data[i], scale, decay, l1);
        Dtype m = (Dtype)(1 - momentum) * g + keep * history[i];
        Dtype v = (Dtype)(1 - momentum2) * (g * g) + keep2 * second[i];
        Dtype step = corrected * (m / (sqrt(v) + delta));
        history[i] = m;
        second[i] = v;
        diff[i] = step;
        data[i] -= step;
    }
}

// Zeros in block b's piece of an array; `arrays` has one address per array.
KERNEL clear_pieces(const unsigned long long *arrays, const long long *sizes, const int *blob,
                    const int *piece) {
    const int own = blob[blockIdx.x];
    Dtype *data = (Dtype *)arrays[own];
    const long long start = (long long)piece[blockIdx.x] * PIECE;
    const long long end = start + PIECE < sizes[own] ? start + PIECE : sizes[own];
    FOR_EACH_OF_PIECE(i) data[i] = 0;
}

// partial[b] = sum of squares over block b's piece of an array; `arrays` has one address per array.
KERNEL piece_squares(const unsigned long long *arrays, const long long *sizes, const int *blob,
                     const int *piece, Dtype *partial) {
    const int own = blob[blockIdx.x];
    const Dtype *data = (const Dtype *)arrays[own];
    const long long start = (long long)piece[blockIdx.x] * PIECE;
    const long long end = start + PIECE < sizes[own] ? start + PIECE : sizes[own];
    Dtype sum = 0;
    FOR_EACH_OF_PIECE(i) sum += data[i] * data[i];
    sum = block_sum(sum);
    if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

// total[0] = the sum of `blocks` values; one block.
KERNEL sum_partial(int blocks, const Dtype *partial, Dtype *total) {
    Dtype sum = 0;
    for (int i = threadIdx.x; i < blocks; i += blockDim.x) sum += partial[i];
    sum = block_sum(sum);
    if (threadIdx.x == 0) total[0] = sum;
}
