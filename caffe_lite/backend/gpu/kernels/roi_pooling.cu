#include "common.cuh"

// Max pooling of regions of interest (Fast R-CNN). A region is (image, x1, y1, x2, y2); its corners
// are scaled, rounded to pixels, and inclusive.

// Rounded to the nearest integer, halves away from zero.
__device__ inline Dtype rounded(Dtype a) {
    return a < 0 ? -floor((Dtype)0.5 - a) : floor(a + (Dtype)0.5);
}

// Begin and end of window `i` of `count` along an axis of `size` pixels; empty for NaN.
__device__ inline void window_of(Dtype first, Dtype last, Dtype scale, int i, int count, int size,
                                 int *begin, int *end) {
    Dtype start = rounded(first * scale);
    Dtype step = fmax(rounded(last * scale) - start + 1, (Dtype)1) / count;
    *begin = (int)fmin(fmax(floor(i * step) + start, (Dtype)0), (Dtype)size);
    *end = (int)fmin(fmax(ceil((i + 1) * step) + start, (Dtype)0), (Dtype)size);
}

KERNEL roi_pool(Index n, const Dtype *x, const Dtype *rois, Dtype *y, int *mask, Dtype scale,
                int images, int channels, int height, int width, int out_h, int out_w) {
    FOR_EACH(i, n) {
        Index rest = i / out_w / out_h;
        const Dtype *roi = rois + rest / channels * 5;
        Dtype image = trunc(roi[0]);
        int top, bottom, left, right;
        window_of(roi[2], roi[4], scale, (int)(i / out_w % out_h), out_h, height, &top, &bottom);
        window_of(roi[1], roi[3], scale, (int)(i % out_w), out_w, width, &left, &right);
        bool there = image >= 0 && image < images && top < bottom && left < right;
        Dtype largest = there ? -LARGEST : (Dtype)0;
        int best = -1;
        if (there) {
            const Dtype *plane = x + ((Index)image * channels + rest % channels) * height * width;
            for (int h = top; h < bottom; ++h) {
                for (int w = left; w < right; ++w) {
                    Dtype value = plane[(Index)h * width + w];
                    if (value > largest) {
                        largest = value;
                        best = h * width + w;
                    }
                }
            }
        }
        y[i] = largest;
        mask[i] = best;
    }
}

// dx += dy at the pixel in each output's mask; dx must be zeroed first. Atomic, as regions overlap.
KERNEL roi_pool_grad(Index n, const Dtype *dy, const Dtype *rois, const int *mask, Dtype *dx,
                     int channels, int outputs, int pixels) {
    FOR_EACH(i, n) {
        if (mask[i] < 0) continue;
        Index plane = i / outputs;
        Index image = (Index)rois[plane / channels * 5];
        atomicAdd(dx + (image * channels + plane % channels) * pixels + mask[i], dy[i]);
    }
}
