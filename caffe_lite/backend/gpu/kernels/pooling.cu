#include "common.cuh"

// Pooling over two spatial axes. One thread per output (forward) or per input (average gradient).
// Windows may overlap the padding or lie outside the image. A maximum is over the part inside the
// image; an average divides by the part inside the padded image.

#define BOX 3  // side of the block of pixels that is loaded before it is compared

KERNEL max_pool(Index n, const Dtype *x, Dtype *y, int *mask, int height, int width,
                int out_h, int out_w, int kernel_h, int kernel_w, int stride_h, int stride_w,
                int pad_h, int pad_w) {
    FOR_EACH(i, n) {
        int top = (int)(i / out_w % out_h) * stride_h - pad_h;
        int left = (int)(i % out_w) * stride_w - pad_w;
        int bottom = top + kernel_h < height ? top + kernel_h : height;
        int right = left + kernel_w < width ? left + kernel_w : width;
        top = top > 0 ? top : 0;
        left = left > 0 ? left : 0;
        const Dtype *plane = x + i / out_w / out_h * height * width;
        int best = -1;
        Dtype largest = -LARGEST;
        for (int h = top; h < bottom; h += BOX) {
            for (int w = left; w < right; w += BOX) {
                Dtype values[BOX * BOX];
                int indices[BOX * BOX];
                for (int j = 0; j < BOX * BOX; ++j) {
                    // Beyond the window, its last row and column again: they change nothing.
                    int row = h + j / BOX < bottom ? h + j / BOX : bottom - 1;
                    int column = w + j % BOX < right ? w + j % BOX : right - 1;
                    indices[j] = row * width + column;
                    values[j] = plane[indices[j]];
                }
                for (int j = 0; j < BOX * BOX; ++j) {
                    bool first = values[j] == largest && indices[j] < best;
                    if (values[j] > largest || first) {
                        largest = values[j];
                        best = indices[j];
                    }
                }
            }
        }
        y[i] = largest;
        if (mask) mask[i] = best;
    }
}

// dx = the sum of dy over the outputs whose maximum each pixel was. It gathers instead of
// scattering, so the order of the sum and its rounding are reproducible. A thread computes
// POOL_ROWS pixels of one column, which share most of their windows.
KERNEL max_pool_grad(Index n, const Dtype *dy, const int *mask, Dtype *dx, int height, int width,
                     int out_h, int out_w, int kernel_h, int kernel_w, int stride_h, int stride_w,
                     int pad_h, int pad_w) {
    const int groups = (height + POOL_ROWS - 1) / POOL_ROWS;
    FOR_EACH(i, n) {
        Index group = i / width, plane = group / groups;
        int w = (int)(i - group * width), h = (int)(group - plane * groups) * POOL_ROWS;
        int above = h + pad_h;
        int below = (h + POOL_ROWS < height ? h + POOL_ROWS : height) - 1 + pad_h;
        int before = w + pad_w;
        int first_h = above < kernel_h ? 0 : (above - kernel_h) / stride_h + 1;
        int first_w = before < kernel_w ? 0 : (before - kernel_w) / stride_w + 1;
        int last_h = below / stride_h < out_h ? below / stride_h : out_h - 1;
        int last_w = before / stride_w < out_w ? before / stride_w : out_w - 1;
        const Dtype *from = dy + plane * out_h * out_w;
        const int *taken = mask + plane * out_h * out_w;
        int pixel = h * width + w;
        Dtype sums[POOL_ROWS];
        for (int r = 0; r < POOL_ROWS; ++r) sums[r] = 0;
        for (int oh = first_h; oh <= last_h; ++oh) {
            for (int ow = first_w; ow <= last_w; ++ow) {
                int winner = taken[oh * out_w + ow];
                Dtype gradient = from[oh * out_w + ow];
                for (int r = 0; r < POOL_ROWS; ++r) {
                    sums[r] += winner == pixel + r * width ? gradient : (Dtype)0;
                }
            }
        }
        Dtype *to = dx + plane * height * width + pixel;
        for (int r = 0; r < POOL_ROWS; ++r) {
            if (h + r < height) to[(Index)r * width] = sums[r];
        }
    }
}

// Empty windows, which can occur in the far padding, count as one pixel.
__device__ inline int window_area(int rows, int columns) {
    return (rows > 1 ? rows : 1) * (columns > 1 ? columns : 1);
}

KERNEL ave_pool(Index n, const Dtype *x, Dtype *y, int height, int width, int out_h, int out_w,
                int kernel_h, int kernel_w, int stride_h, int stride_w, int pad_h, int pad_w) {
    FOR_EACH(i, n) {
        int top = (int)(i / out_w % out_h) * stride_h - pad_h;
        int left = (int)(i % out_w) * stride_w - pad_w;
        int bottom = top + kernel_h < height + pad_h ? top + kernel_h : height + pad_h;
        int right = left + kernel_w < width + pad_w ? left + kernel_w : width + pad_w;
        int area = window_area(bottom - top, right - left);
        top = top > 0 ? top : 0;
        left = left > 0 ? left : 0;
        bottom = bottom < height ? bottom : height;
        right = right < width ? right : width;
        const Dtype *plane = x + i / out_w / out_h * height * width;
        Dtype sum = 0;
        for (int h = top; h < bottom; ++h) {
            for (int w = left; w < right; ++w) sum += plane[(Index)h * width + w];
        }
        y[i] = sum / area;
    }
}

KERNEL ave_pool_grad(Index n, const Dtype *dy, Dtype *dx, int height, int width, int out_h,
                     int out_w, int kernel_h, int kernel_w, int stride_h, int stride_w, int pad_h,
                     int pad_w) {
    FOR_EACH(i, n) {
        int h = (int)(i / width % height) + pad_h;
        int w = (int)(i % width) + pad_w;
        int first_h = h < kernel_h ? 0 : (h - kernel_h) / stride_h + 1;
        int first_w = w < kernel_w ? 0 : (w - kernel_w) / stride_w + 1;
        int last_h = h / stride_h < out_h ? h / stride_h : out_h - 1;
        int last_w = w / stride_w < out_w ? w / stride_w : out_w - 1;
        const Dtype *plane = dy + i / width / height * out_h * out_w;
        Dtype sum = 0;
        for (int oh = first_h; oh <= last_h; ++oh) {
            int top = oh * stride_h;
            int bottom = top + kernel_h < height + 2 * pad_h ? top + kernel_h
                                                             : height + 2 * pad_h;
            for (int ow = first_w; ow <= last_w; ++ow) {
                int left = ow * stride_w;
                int right = left + kernel_w < width + 2 * pad_w ? left + kernel_w
                                                                : width + 2 * pad_w;
                sum += plane[oh * out_w + ow] / window_area(bottom - top, right - left);
            }
        }
        dx[i] = sum;
    }
}

// One pixel of each window, drawn with probability proportional to its value: the first at which
// the running sum reaches `uniform` times the total. If the total is NaN, y is NaN and mask -1.
KERNEL stochastic_pool(Index n, const Dtype *x, Dtype *y, int *mask, const Dtype *uniform,
                       int height, int width, int out_h, int out_w, int kernel_h, int kernel_w,
                       int stride_h, int stride_w) {
    FOR_EACH(i, n) {
        int top = (int)(i / out_w % out_h) * stride_h;
        int left = (int)(i % out_w) * stride_w;
        int bottom = top + kernel_h < height ? top + kernel_h : height;
        int right = left + kernel_w < width ? left + kernel_w : width;
        const Dtype *plane = x + i / out_w / out_h * height * width;
        Dtype sum = 0;
        for (int h = top; h < bottom; ++h) {
            for (int w = left; w < right; ++w) sum += plane[(Index)h * width + w];
        }
        Dtype threshold = uniform[i] * sum;
        int chosen = -1;
        sum = 0;
        for (int h = top; h < bottom && chosen < 0; ++h) {
            for (int w = left; w < right && chosen < 0; ++w) {
                sum += plane[(Index)h * width + w];
                if (sum >= threshold) chosen = h * width + w;
            }
        }
        mask[i] = chosen;
        Dtype zero = sum - sum;
        y[i] = chosen >= 0 ? plane[chosen] : zero / zero;
    }
}

// The mean of that draw: sum of x^2 / sum of x, or 0 for a window of zeros.
KERNEL stochastic_pool_test(Index n, const Dtype *x, Dtype *y, int height, int width, int out_h,
                            int out_w, int kernel_h, int kernel_w, int stride_h, int stride_w) {
    FOR_EACH(i, n) {
        int top = (int)(i / out_w % out_h) * stride_h;
        int left = (int)(i % out_w) * stride_w;
        int bottom = top + kernel_h < height ? top + kernel_h : height;
        int right = left + kernel_w < width ? left + kernel_w : width;
        const Dtype *plane = x + i / out_w / out_h * height * width;
        Dtype sum = 0, squares = 0;
        for (int h = top; h < bottom; ++h) {
            for (int w = left; w < right; ++w) {
                Dtype value = plane[(Index)h * width + w];
                sum += value;
                squares += value * value;
            }
        }
        y[i] = sum > 0 ? squares / sum : (Dtype)0;
    }
}
