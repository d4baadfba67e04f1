/* Products of many rows with a few vectors: the weights of a layer times one to four items. */
#pragma once

#include "common.h"

#define NARROW_WIDTH 4

/* out[w * out_step + r] (+)= sum over k of left[r * depth + k] * right[w * depth + k]. */
void narrow_product(idx rows, idx width, idx depth, const real *left, const real *right, real *out,
                    idx out_step, int accumulate);
