#include "common.cuh"

// Local response normalization across channels, x as (images, channels, pixels):
//   scale = k + alpha/size * sum of x^2 over the `size` channels around, y = x * scale^-beta.
// The window of channel c is c - before ... c - before + size - 1, clipped to valid channels.
//
// For five channels, the usual size, the window slides: a thread processes RUN channels of one
// pixel, STEP at a time, and reads each value once. It adds the same terms in the same order.

#define USUAL 5
#define RUN 16
#define STEP 4
#define HELD (STEP + USUAL - 1)  // channels c - 2 ... c + STEP + 1

// The channels first ... end - 1 of one pixel, for one thread; `base` is the index of channel 0.
struct Run {
    int first, end;
    Index base;

    __device__ Run(Index number, int channels, Index pixels) {
        Index runs = (channels + RUN - 1) / RUN, rest = number / pixels;
        Index image = rest / runs;
        first = (int)(rest - image * runs) * RUN;
        end = first + RUN < channels ? first + RUN : channels;
        base = image * channels * pixels + (number - rest * pixels);
    }
};

#define FOR_EACH_RUN(number) \
    FOR_EACH(number, n / channels * ((channels + RUN - 1) / RUN))

// total^-beta for total >= 0: accurate to a few units in the last place, three times as fast as
// pow.
__device__ inline Dtype lowered(Dtype total, Dtype beta) {
    return exp2(-beta * log2(total));
}

__device__ inline Dtype window_sum(const Dtype *terms) {
    Dtype sum = 0;
    for (int i = 0; i < USUAL; ++i) sum += terms[i];
    return sum;
}

__device__ inline Dtype square_sum(const Dtype *values) {
    Dtype sum = 0;
    for (int i = 0; i < USUAL; ++i) sum += values[i] * values[i];
    return sum;
}

// c clamped to the valid channels.
__device__ inline int within(int c, int channels) {
    return c < 0 ? 0 : (c < channels ? c : channels - 1);
}

__device__ inline void slide(Index n, const Dtype *x, Dtype *y, Dtype *scale, int channels,
                             Index pixels, Dtype alpha_over_size, Dtype beta, Dtype k) {
    FOR_EACH_RUN(number) {
        Run run(number, channels, pixels);
        Dtype held[HELD];
        for (int i = 0; i < USUAL - 1; ++i) {
            int c = run.first + i - USUAL / 2;
            Dtype value = x[run.base + within(c, channels) * pixels];
            held[i] = c >= 0 && c < channels ? value : (Dtype)0;
        }
        for (int from = run.first; from < run.end; from += STEP) {
            for (int i = 0; i < STEP; ++i) {
                int c = from + i + USUAL / 2;
                Dtype value = x[run.base + within(c, channels) * pixels];
                held[i + USUAL - 1] = c < channels ? value : (Dtype)0;
            }
            for (int i = 0; i < STEP; ++i) {
                if (from + i >= run.end) continue;
                Index at = run.base + (from + i) * pixels;
                Dtype total = k + alpha_over_size * square_sum(held + i);
                scale[at] = total;
                y[at] = held[i + USUAL / 2] * lowered(total, beta);
            }
            for (int i = 0; i < USUAL - 1; ++i) held[i] = held[i + STEP];
        }
    }
}

KERNEL lrn_across(Index n, const Dtype *x, Dtype *y, Dtype *scale, int channels, Index pixels,
                  int size, Dtype alpha_over_size, Dtype beta, Dtype k) {
    if (size == USUAL) {
        slide(n, x, y, scale, channels, pixels, alpha_over_size, beta, k);
        return;
    }
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
        y[i] = x[i] * lowered(total, beta);
    }
}

__device__ inline void slide_back(Index n, const Dtype *x, const Dtype *y, const Dtype *scale,
                                  const Dtype *dy, Dtype *dx, int channels, Index pixels,
                                  Dtype alpha_over_size, Dtype beta) {
    FOR_EACH_RUN(number) {
        Run run(number, channels, pixels);
        Dtype held[HELD];
        for (int i = 0; i < USUAL - 1; ++i) {
            int c = run.first + i - USUAL / 2;
            Index at = run.base + within(c, channels) * pixels;
            Dtype value = dy[at] * y[at] / scale[at];
            held[i] = c >= 0 && c < channels ? value : (Dtype)0;
        }
        for (int from = run.first; from < run.end; from += STEP) {
            for (int i = 0; i < STEP; ++i) {
                int c = from + i + USUAL / 2;
                Index at = run.base + within(c, channels) * pixels;
                Dtype value = dy[at] * y[at] / scale[at];
                held[i + USUAL - 1] = c < channels ? value : (Dtype)0;
            }
            for (int i = 0; i < STEP; ++i) {
                if (from + i >= run.end) continue;
                Index at = run.base + (from + i) * pixels;
                dx[at] = dy[at] * lowered(scale[at], beta)
                         - 2 * alpha_over_size * beta * x[at] * window_sum(held + i);
            }
            for (int i = 0; i < USUAL - 1; ++i) held[i] = held[i + STEP];
        }
    }
}

// dx = dy * scale^-beta - 2 alpha beta / size * x * sum of dy y / scale, over the channels whose
// window contains this one.
KERNEL lrn_across_grad(Index n, const Dtype *x, const Dtype *y, const Dtype *scale,
                       const Dtype *dy, Dtype *dx, int channels, Index pixels, int size,
                       Dtype alpha_over_size, Dtype beta) {
    if (size == USUAL) {
        slide_back(n, x, y, scale, dy, dx, channels, pixels, alpha_over_size, beta);
        return;
    }
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
        dx[i] = dy[i] * lowered(scale[i], beta) - 2 * alpha_over_size * beta * x[i] * sum;
    }
}
