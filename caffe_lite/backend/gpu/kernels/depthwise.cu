#include "common.cuh"
#include "reduce.cuh"

// Two-dimensional convolution with one input channel per group: output channel o reads input
// channel o / multiplier. It has too little work per group for matrix products.

KERNEL depthwise(Index n, const Dtype *x, const Dtype *weight, const Dtype *bias, Dtype *y,
                 int channels, int multiplier, int height, int width, int kernel_h, int kernel_w,
                 int stride_h, int stride_w, int pad_h, int pad_w, int dilation_h, int dilation_w,
                 int out_h, int out_w) {
    int outputs = channels * multiplier;
    FOR_EACH(i, n) {
        Index image = i / out_w / out_h / outputs;
        int o = (int)(i / out_w / out_h % outputs);
        int top = (int)(i / out_w % out_h) * stride_h - pad_h;
        int left = (int)(i % out_w) * stride_w - pad_w;
        const Dtype *plane = x + (image * channels + o / multiplier) * height * width;
        const Dtype *taps = weight + (Index)o * kernel_h * kernel_w;
        Dtype sum = bias ? bias[o] : (Dtype)0;
        for (int kh = 0; kh < kernel_h; ++kh) {
            int h = top + kh * dilation_h;
            if (h < 0 || h >= height) continue;
            for (int kw = 0; kw < kernel_w; ++kw) {
                int w = left + kw * dilation_w;
                if (w < 0 || w >= width) continue;
                sum += plane[(Index)h * width + w] * taps[kh * kernel_w + kw];
            }
        }
        y[i] = sum;
    }
}

KERNEL depthwise_grad_data(Index n, const Dtype *dy, const Dtype *weight, Dtype *dx, int channels,
                           int multiplier, int height, int width, int kernel_h, int kernel_w,
                           int stride_h, int stride_w, int pad_h, int pad_w, int dilation_h,
                           int dilation_w, int out_h, int out_w) {
    FOR_EACH(i, n) {
        Index image = i / width / height / channels;
        int channel = (int)(i / width / height % channels);
        int h = (int)(i / width % height) + pad_h;
        int w = (int)(i % width) + pad_w;
        Dtype sum = 0;
        for (int o = channel * multiplier; o < (channel + 1) * multiplier; ++o) {
            const Dtype *plane = dy + (image * channels * multiplier + o) * out_h * out_w;
            const Dtype *taps = weight + (Index)o * kernel_h * kernel_w;
            for (int kh = 0; kh < kernel_h; ++kh) {
                int from_h = h - kh * dilation_h;
                if (from_h < 0 || from_h % stride_h != 0 || from_h / stride_h >= out_h) continue;
                for (int kw = 0; kw < kernel_w; ++kw) {
                    int from_w = w - kw * dilation_w;
                    if (from_w < 0 || from_w % stride_w != 0 || from_w / stride_w >= out_w) {
                        continue;
                    }
                    sum += plane[(Index)(from_h / stride_h) * out_w + from_w / stride_w]
                           * taps[kh * kernel_w + kw];
                }
            }
        }
        dx[i] = sum;
    }
}

// dweight += the gradient of weight; one block per weight.
KERNEL depthwise_grad_weight(int weights, const Dtype *x, const Dtype *dy, Dtype *dweight,
                             int images, int channels, int multiplier, int height, int width,
                             int kernel_h, int kernel_w, int stride_h, int stride_w, int pad_h,
                             int pad_w, int dilation_h, int dilation_w, int out_h, int out_w) {
    for (int weight = blockIdx.x; weight < weights; weight += gridDim.x) {
        int o = weight / kernel_w / kernel_h;
        int offset_h = weight / kernel_w % kernel_h * dilation_h - pad_h;
        int offset_w = weight % kernel_w * dilation_w - pad_w;
        Index pixels = (Index)out_h * out_w;
        Dtype sum = 0;
        for (Index j = threadIdx.x; j < images * pixels; j += blockDim.x) {
            Index image = j / pixels;
            int h = (int)(j % pixels / out_w) * stride_h + offset_h;
            int w = (int)(j % out_w) * stride_w + offset_w;
            if (h < 0 || h >= height || w < 0 || w >= width) continue;
            sum += x[((image * channels + o / multiplier) * height + h) * width + w]
                   * dy[(image * channels * multiplier + o) * pixels + j % pixels];
        }
        sum = block_sum(sum);
        if (threadIdx.x == 0) dweight[weight] += sum;
    }
}
