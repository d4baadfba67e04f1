/* Powers with a negative exponent, for local response normalization. */
#pragma once

#include "common.h"

/* out[i] = scale[i]^-beta; by square roots for beta = 3/4, the usual value. */
INLINE void negative_power(const real *scale, real beta, idx count, real *out) {
    if (beta == (real)0.75)
        for (idx i = 0; i < count; i++) {
            real root = (real)__builtin_sqrt(scale[i]);
            out[i] = 1 / (root * (real)__builtin_sqrt(root));
        }
    else
        for (idx i = 0; i < count; i++) out[i] = (real)pow(scale[i], -beta);
}
