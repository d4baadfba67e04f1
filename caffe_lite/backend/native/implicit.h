/* A matrix product whose right-hand matrix, the im2col matrix, is read from planes on demand.
 *
 * That matrix has one row per (channel, tap) and one column per output pixel of several images:
 * entry (k, (image, i, j)) is
 * planes[image * image_size + base[k] + i * pitch + j]. */
#pragma once

#include "common.h"

typedef struct {
    idx depth;       /* rows of the right-hand matrix */
    const idx *base; /* (depth) */
    const real *planes;
    idx image_size, pitch;
    int exact;       /* reading beyond the planes is not allowed */
    idx images, height, width; /* the columns */

    idx rows;        /* of the left-hand matrix, rows x depth, stored by rows */
    const real *left;

    real *target;    /* entry (r, (image, i, j)) goes to target + image * target_image + */
    idx target_image, target_row, target_h, target_w; /* r * ..row + i * ..h + j * ..w */
    const real *bias; /* (rows) or NULL */
} implicit_product;

/* Computes columns first ... last - 1 (first a multiple of LANES) of rows row_first ... row_last -
 * 1. scratch: implicit_scratch() elements. */
void implicit_run(const implicit_product *p, idx first, idx last, idx row_first, idx row_last,
                  real *scratch);

/* Panels, and columns, that are packed together. */
#define CHUNK_PANELS 4
#define CHUNK_WIDTH (CHUNK_PANELS * TILE_WIDTH)
#define DEPTH_BLOCK 800

INLINE idx implicit_scratch(idx depth) {
    return (min_idx(depth, DEPTH_BLOCK) + 1) * CHUNK_WIDTH + TILE_WIDTH;
}
