/* exp, tanh and the logistic function of vectors, accurate to about one unit in the last place.
 *
 * With n = round(x / ln 2) and r = x - n ln 2, exp(x) = 2^n (1 + q(r)), q the Taylor series of
 * exp(r) - 1 over |r| <= ln(2) / 2. NaN gives NaN. */
#pragma once

#include "common.h"

typedef __typeof__((vec){0} < (vec){0}) mask_vec; /* integers with the width of a real */

INLINE vec select_vec(mask_vec mask, vec yes, vec no) {
    return (vec)((mask & (mask_vec)yes) | (~mask & (mask_vec)no));
}

/* 2^n for integers n. */
INLINE vec power_of_two(mask_vec n) {
    const int bias = sizeof(real) == 4 ? 127 : 1023, mantissa = sizeof(real) == 4 ? 23 : 52;
    return (vec)((n + bias) << mantissa);
}

/* exp(x) - 1 = scale q + (scale - 1). scale = 2^n = low * high, factors that do not overflow. */
INLINE vec exp_parts(vec x, vec *low, vec *high) {
    /* Adding 1.5 * 2^(mantissa bits) leaves the nearest integer in the low bits of the sum. */
    const real magic = (real)(sizeof(real) == 4 ? 12582912.0 : 6755399441055744.0);
    const real ln2_high = (real)(sizeof(real) == 4 ? 0.693359375 : 6.93147180369123816490e-01);
    const real ln2_low = (real)(sizeof(real) == 4 ? -2.12194440e-4 : 1.90821492927058770002e-10);
    static const double series[] = {1.0 / 6227020800.0, 1.0 / 479001600.0, 1.0 / 39916800.0,
                                    1.0 / 3628800.0,    1.0 / 362880.0,    1.0 / 40320.0,
                                    1.0 / 5040.0,       1.0 / 720.0,       1.0 / 120.0,
                                    1.0 / 24.0,         1.0 / 6.0,         0.5};
    vec shifted = x * (real)1.44269504088896340736 + magic;
    vec n = shifted - magic;
    vec r = x - n * ln2_high - n * ln2_low;
    mask_vec whole = (mask_vec)shifted - (mask_vec)((vec){0} + magic);
    *low = power_of_two(whole >> 1);
    *high = power_of_two(whole - (whole >> 1));
    vec q = (vec){0};
#pragma GCC unroll 12
    for (int i = sizeof(real) == 4 ? 6 : 0; i < 12; i++) q = q * r + (real)series[i];
    return q * r * r + r;
}

INLINE vec exp_vec(vec x) {
    const real most = (real)(sizeof(real) == 4 ? 89.0 : 710.0);
    const real least = (real)(sizeof(real) == 4 ? -104.0 : -746.0);
    vec low, high, clamped = select_vec(x > most, (vec){0} + most, x);
    clamped = select_vec(x < least, (vec){0} + least, clamped);
    vec q = exp_parts(clamped, &low, &high);
    return (q * low + low) * high;
}

INLINE vec tanh_vec(vec x) {
    const real most = (real)(sizeof(real) == 4 ? 20.0 : 44.0);
    vec low, high, twice = x + x;
    twice = select_vec(twice > most, (vec){0} + most, twice);
    twice = select_vec(twice < -most, (vec){0} - most, twice);
    vec q = exp_parts(twice, &low, &high), scale = low * high;
    vec less_one = q * scale + (scale - 1);
    return less_one / (less_one + 2);
}

INLINE vec logistic_vec(vec x) { return 1 / (1 + exp_vec(-x)); }

/* The first n < LANES elements; the other lanes are zero. */
INLINE vec load_part(const real *p, idx n) {
    vec v = {0};
    memcpy(&v, p, (size_t)n * sizeof(real));
    return v;
}

INLINE void store_part(real *p, vec v, idx n) { memcpy(p, &v, (size_t)n * sizeof(real)); }
