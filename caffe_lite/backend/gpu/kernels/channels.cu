#include "common.cuh"
#include "rectify.cuh"
#include "reduce.cuh"

// Biases and per-channel statistics of x (images, channels, pixels). A sum over many pixels takes
// two steps, so that a few channels fill the device: block (channel, split) sums every gridDim.y-th
// image into partial[split, channel], then `channel_total` sums the splits in a fixed order.

// The channels of four neighbours, with a single division.
struct Channels {
    int channel[4];

    __device__ Channels(Index first, int channels, Index pixels) {
        Index plane = first / pixels, pixel = first - plane * pixels;
        int own = (int)(plane % channels);
        for (int k = 0; k < 4; ++k) {
            channel[k] = own;
            if (++pixel == pixels) {
                pixel = 0;
                own = own + 1 < channels ? own + 1 : 0;
            }
        }
    }
};

KERNEL add_bias(Index n, Dtype *y, const Dtype *bias, int channels, Index pixels) {
    FOR_EACH(four, FOURS(n)) {
        Channels of(four * 4, channels, pixels);
        Four values = take_four(y, four, n);
        for (int k = 0; k < 4; ++k) values.at[k] += bias[of.channel[k]];
        put_four(values, y, four, n);
    }
}

// y = relu(y + bias).
KERNEL bias_relu(Index n, Dtype *y, const Dtype *bias, Dtype slope, int channels, Index pixels) {
    FOR_EACH(four, FOURS(n)) {
        Channels of(four * 4, channels, pixels);
        Four values = take_four(y, four, n);
        for (int k = 0; k < 4; ++k) {
            values.at[k] = rectified(values.at[k] + bias[of.channel[k]], slope);
        }
        put_four(values, y, four, n);
    }
}

// A block's loop over its images of one channel, without a division per step.
struct Walk {
    int image, images_on, first;
    Index pixel, pixels, pixels_on, left;

    __device__ Walk(int images, Index pixels_of_one)
        : image(blockIdx.y + threadIdx.x / pixels_of_one * gridDim.y),
          images_on(blockDim.x / pixels_of_one * gridDim.y), first(blockIdx.y),
          pixel(threadIdx.x % pixels_of_one), pixels(pixels_of_one),
          pixels_on(blockDim.x % pixels_of_one) {
        int own = (images - first + (int)gridDim.y - 1) / (int)gridDim.y;
        left = own * pixels - (Index)threadIdx.x;
    }

    // Whether there is a next element; `at` is its index in x, or if there is none any valid index.
    __device__ bool next(int channels, Index *at) {
        bool there = left > 0;
        *at = ((Index)(there ? image : first) * channels + blockIdx.x) * pixels
              + (there ? pixel : 0);
        left -= blockDim.x;
        image += images_on;
        pixel += pixels_on;
        if (pixel >= pixels) {
            pixel -= pixels;
            image += gridDim.y;
        }
        return there;
    }
};

// sum += `term`, an expression of `at`, over the block's images of its channel.
#define SUM_OVER_CHANNEL(sum, term)                                                          \
    for (Walk walk(images, pixels); walk.left > 0;) {                                        \
        Dtype terms[AT_ONCE];                                                                \
        for (int i = 0; i < AT_ONCE; ++i) {                                                  \
            Index at;                                                                        \
            bool there = walk.next(channels, &at);                                           \
            Dtype value = (term);                                                            \
            terms[i] = there ? value : (Dtype)0;                                             \
        }                                                                                    \
        for (int i = 0; i < AT_ONCE; ++i) sum += terms[i];                                   \
    }

KERNEL channel_sum(const Dtype *x, Dtype *partial, int images, int channels, Index pixels) {
    Dtype sum = 0;
    SUM_OVER_CHANNEL(sum, x[at])
    sum = block_sum(sum);
    if (threadIdx.x == 0) partial[blockIdx.y * channels + blockIdx.x] = sum;
}

KERNEL channel_deviation(const Dtype *x, const Dtype *mean, Dtype *partial, int images,
                         int channels, Index pixels) {
    Dtype centre = mean[blockIdx.x], sum = 0;
    SUM_OVER_CHANNEL(sum, (x[at] - centre) * (x[at] - centre))
    sum = block_sum(sum);
    if (threadIdx.x == 0) partial[blockIdx.y * channels + blockIdx.x] = sum;
}

KERNEL channel_product(const Dtype *x, const Dtype *y, Dtype *partial, int images, int channels,
                       Index pixels) {
    Dtype sum = 0;
    SUM_OVER_CHANNEL(sum, x[at] * y[at])
    sum = block_sum(sum);
    if (threadIdx.x == 0) partial[blockIdx.y * channels + blockIdx.x] = sum;
}

// The sum of dy * min(x, 0), which is the gradient of prelu's slope.
KERNEL channel_negative(const Dtype *x, const Dtype *dy, Dtype *partial, int images, int channels,
                        Index pixels) {
    Dtype sum = 0;
    SUM_OVER_CHANNEL(sum, x[at] > 0 ? (Dtype)0 : dy[at] * x[at])
    sum = block_sum(sum);
    if (threadIdx.x == 0) partial[blockIdx.y * channels + blockIdx.x] = sum;
}

__device__ inline void set_total(Dtype *out, Dtype sum, Dtype factor, int accumulate) {
    *out = accumulate ? *out + factor * sum : factor * sum;
}

// out = or += factor * the sum of partial over splits; one warp per channel.
KERNEL channel_total(int channels, const Dtype *partial, int splits, Dtype factor, int accumulate,
                     Dtype *out) {
    const int warps = gridDim.x * blockDim.x / WARP, lane = threadIdx.x % WARP;
    for (int channel = (blockIdx.x * blockDim.x + threadIdx.x) / WARP; channel < channels;
         channel += warps) {
        Dtype sum = 0;
        for (int split = lane; split < splits; split += WARP) {
            sum += partial[(Index)split * channels + channel];
        }
        sum = warp_sum(sum);
        if (lane == 0) set_total(out + channel, sum, factor, accumulate);
    }
}

// The sum of rows first, first + step, ... of one column of a matrix.
__device__ inline Dtype rows_sum(const Dtype *x, int first, int step, int rows, int columns) {
    const int at_once = 8;
    Dtype sum = 0;
    for (int row = first; row < rows; row += at_once * step) {
        Dtype terms[at_once];
        for (int i = 0; i < at_once; ++i) {
            int at = row + i * step;
            Dtype value = x[(Index)(at < rows ? at : row) * columns];
            terms[i] = at < rows ? value : (Dtype)0;
        }
        for (int i = 0; i < at_once; ++i) sum += terms[i];
    }
    return sum;
}

// out = or += factor * the sum over the rows of a matrix, in one step. `column_sum` uses a thread
// per column, `column_block_sum` a block per WARP columns, for fewer columns.

KERNEL column_sum(Index columns, const Dtype *x, int rows, Dtype factor, int accumulate,
                  Dtype *out) {
    FOR_EACH(column, columns) {
        set_total(out + column, rows_sum(x + column, 0, 1, rows, columns), factor, accumulate);
    }
}

KERNEL column_block_sum(int columns, const Dtype *x, int rows, Dtype factor, int accumulate,
                        Dtype *out) {
    __shared__ Dtype sums[WARP][WARP + 1];
    const int lane = threadIdx.x % WARP, line = threadIdx.x / WARP, lines = blockDim.x / WARP;
    for (int first = blockIdx.x * WARP; first < columns; first += gridDim.x * WARP) {
        int column = first + lane < columns ? first + lane : columns - 1;
        Dtype sum = rows_sum(x + column, line, lines, rows, columns);
        __syncthreads();
        sums[line][lane] = sum;
        __syncthreads();
        if (line == 0 && first + lane < columns) {
            for (int i = 1; i < lines; ++i) sum += sums[i][lane];
            set_total(out + column, sum, factor, accumulate);
        }
    }
}

KERNEL batch_norm_apply(Index n, const Dtype *x, const Dtype *mean, const Dtype *std, Dtype *y,
                        int channels, Index pixels) {
    FOR_EACH(i, n) {
        int channel = (int)(i / pixels % channels);
        y[i] = (x[i] - mean[channel]) / std[channel];
    }
}

// dx = (dy - mean(dy) - mean(dy * y) * y) / std per channel; dx may be dy.
KERNEL batch_norm_grad(Index n, const Dtype *y, const Dtype *std, const Dtype *dy,
                       const Dtype *mean_dy, const Dtype *mean_dy_y, Dtype *dx, int channels,
                       Index pixels) {
    FOR_EACH(i, n) {
        int channel = (int)(i / pixels % channels);
        dx[i] = (dy[i] - mean_dy[channel] - mean_dy_y[channel] * y[i]) / std[channel];
    }
}
