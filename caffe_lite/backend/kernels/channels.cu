#include "common.cuh"
#include "reduce.cuh"

// Biases and per-channel statistics of x (images, channels, pixels). A sum runs in two steps, so
// that few channels still fill the device: block (channel, split) adds up every gridDim.y-th image
// into partial[split, channel], then `channel_total` adds up the splits, always in one order.

KERNEL add_bias(Index n, Dtype *y, const Dtype *bias, int channels, Index pixels) {
    FOR_EACH(i, n) y[i] += bias[i / pixels % channels];
}

// y = relu of y + bias, as activations.cu has it.
KERNEL bias_relu(Index n, Dtype *y, const Dtype *bias, Dtype slope, int channels, Index pixels) {
    FOR_EACH(i, n) {
        Dtype value = y[i] + bias[i / pixels % channels];
        if (value <= 0) value = slope == 0 ? (Dtype)0 : slope * value;
        y[i] = value;
    }
}

// The images of one block, flattened with their pixels; `at` is an element's place in x.
#define FOR_EACH_OF_CHANNEL(at)                                                              \
    for (Index j = threadIdx.x, share = (images - blockIdx.y + gridDim.y - 1) / gridDim.y    \
                                        * pixels, at;                                        \
         j < share                                                                           \
         && (at = ((blockIdx.y + j / pixels * gridDim.y) * channels + blockIdx.x) * pixels   \
                  + j % pixels, true);                                                       \
         j += blockDim.x)

KERNEL channel_sum(const Dtype *x, Dtype *partial, int images, int channels, Index pixels) {
    Dtype sum = 0;
    FOR_EACH_OF_CHANNEL(at) sum += x[at];
    sum = block_sum(sum);
    if (threadIdx.x == 0) partial[blockIdx.y * channels + blockIdx.x] = sum;
}

KERNEL channel_deviation(const Dtype *x, const Dtype *mean, Dtype *partial, int images,
                         int channels, Index pixels) {
    Dtype centre = mean[blockIdx.x], sum = 0;
    FOR_EACH_OF_CHANNEL(at) sum += (x[at] - centre) * (x[at] - centre);
    sum = block_sum(sum);
    if (threadIdx.x == 0) partial[blockIdx.y * channels + blockIdx.x] = sum;
}

KERNEL channel_product(const Dtype *x, const Dtype *y, Dtype *partial, int images, int channels,
                       Index pixels) {
    Dtype sum = 0;
    FOR_EACH_OF_CHANNEL(at) sum += x[at] * y[at];
    sum = block_sum(sum);
    if (threadIdx.x == 0) partial[blockIdx.y * channels + blockIdx.x] = sum;
}

// Of dy * min(x, 0): the gradient to the slopes of prelu.
KERNEL channel_negative(const Dtype *x, const Dtype *dy, Dtype *partial, int images, int channels,
                        Index pixels) {
    Dtype sum = 0;
    FOR_EACH_OF_CHANNEL(at) sum += x[at] > 0 ? (Dtype)0 : dy[at] * x[at];
    sum = block_sum(sum);
    if (threadIdx.x == 0) partial[blockIdx.y * channels + blockIdx.x] = sum;
}

// channel_sum where pixels = 1: neighbouring threads take neighbouring channels.
KERNEL column_sum(const Dtype *x, Dtype *partial, int images, int channels) {
    FOR_EACH(channel, channels) {
        Dtype sum = 0;
        for (int image = blockIdx.y; image < images; image += gridDim.y) {
            sum += x[(Index)image * channels + channel];
        }
        partial[(Index)blockIdx.y * channels + channel] = sum;
    }
}

// out = factor * sum over splits of partial, or out += it.
KERNEL channel_total(int channels, const Dtype *partial, int splits, Dtype factor, int accumulate,
                     Dtype *out) {
    FOR_EACH(channel, channels) {
        Dtype sum = 0;
        for (int split = 0; split < splits; ++split) sum += partial[split * channels + channel];
        out[channel] = accumulate ? out[channel] + factor * sum : factor * sum;
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
