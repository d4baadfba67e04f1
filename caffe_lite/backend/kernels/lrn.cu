#include "common.cuh"

// Local response normalization across channels, x as (images, channels, pixels):
//   scale = k + alpha/size * sum of x^2 over the `size` channels around, y = x * scale^-beta.
// The window of channel c is c - before ... c - before + size - 1, cut to the channels there are.

KERNEL lrn_across(Index n, const Dtype *x, Dtype *y, Dtype *scale, int channels, Index pixels,
                  int size, Dtype alpha_over_size, Dtype beta, Dtype k) {
    int before = (size - 1) / 2;
    FOR_EACH(i, n) {
        int channel = (int)(i / pixels % channels);
        int first = channel < before ? 0 : channel - before;
        int last = channel - before + size - 1;
        last = last < channels ? last : channels - 1;
        const Dtype *from = x + (i - (Index)channel * pixels);
        Dtype sum = 0;
        for (int c = first; c <= last; ++c) {
            Dtype value = from[c * pixels];
            sum += value * value;
        }
        Dtype total = k + alpha_over_size * sum;
        scale[i] = total;
        y[i] = x[i] * pow(total, -beta);
    }
}

// dx = dy * scale^-beta - 2 alpha beta / size * x * sum of dy y / scale over the channels whose
// window holds this one.
KERNEL lrn_across_grad(Index n, const Dtype *x, const Dtype *y, const Dtype *scale,
                       const Dtype *dy, Dtype *dx, int channels, Index pixels, int size,
                       Dtype alpha_over_size, Dtype beta) {
    int before = (size - 1) / 2;
    FOR_EACH(i, n) {
        int channel = (int)(i / pixels % channels);
        int first = channel + before - size + 1;
        first = first > 0 ? first : 0;
        int last = channel + before < channels ? channel + before : channels - 1;
        Index base = i - (Index)channel * pixels;
        Dtype sum = 0;
        for (int c = first; c <= last; ++c) {
            Index at = base + c * pixels;
            sum += dy[at] * y[at] / scale[at];
        }
        dx[i] = dy[i] * pow(scale[i], -beta) - 2 * alpha_over_size * beta * x[i] * sum;
    }
}
