/* The innermost product: a tile of rows by vectors, kept in registers during the whole sum. */
#pragma once

#include "common.h"

/* out[r][v] = sum over k < depth of a[r][k] * b[k * b_stride + v], for r < rows and vectors lanes;
 * out has rows of TILE_WIDTH elements; the rows of a are contiguous. */
INLINE void tile_sum(int rows, int vectors, idx depth, const real *const *a, const real *b,
                     idx b_stride, real *out) {
    vec sum[TILE_ROWS][TILE_VECTORS];
    const real *row[TILE_ROWS];
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) {
        row[r] = a[r];
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++) sum[r][v] = (vec){0};
    }
    for (idx k = 0; k < depth; k++, b += b_stride) {
        /* Products with narrow tiles stream their rows from memory. */
        if (vectors == 1 && k % (64 / (idx)sizeof(real)) == 0)
            for (int r = 0; r < rows; r++) __builtin_prefetch(row[r] + k + 512 / sizeof(real));
        vec column[TILE_VECTORS];
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++) column[v] = load(b + v * LANES);
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++) {
            vec factor = row[r][k] - (vec){0};
#pragma GCC unroll 3
            for (int v = 0; v < vectors; v++) sum[r][v] += factor * column[v];
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++) store(out + r * TILE_WIDTH + v * LANES, sum[r][v]);
}

void tile_product(int rows, int vectors, idx depth, const real *const *a, const real *b,
                  idx b_stride, real *out);
