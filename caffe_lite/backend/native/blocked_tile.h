/* The innermost loop of a blocked convolution: a tile of pixels by blocks of outputs that stays in
 * registers during the whole sum. */
#pragma once

#include "epilogue.h"

/* Pixels of a tile: two blocks of outputs for each, two vectors of weights and one of the input
 * fill the registers. */
#if TILE_ROWS == 8
#define TILE_PIXELS 14
#else
#define TILE_PIXELS 6
#endif

#define CACHE_LINE (64 / (idx)sizeof(real))

typedef struct {
    const real *x; /* the first pixel's first input */
    idx x_row;     /* from one row of pixels to the next */
    const idx *offset;
    idx depth;
    const real *weight; /* (depth, LANES or 1, blocks, LANES) */
    const real *bias;   /* (blocks, LANES) or NULL */
    const real *slopes; /* the same */
    const real *z;      /* or NULL */
    idx z_block, z_row;
    real *y;
    idx y_block, y_row;
    int rows, columns; /* that are written */
    const real *ahead; /* weights that are needed later: brought into the second-level cache, */
    idx ahead_lines;   /* this many cache lines for each step of the depth */
    epilogue end;
} blocked_tile;

typedef void tile_kernel(const blocked_tile *t);

/* Rows and columns of the tiles that are compiled. Two rows are for narrow images. */
#if TILE_PIXELS == 14
#define TILE_SHAPES(M) M(1, 14) M(1, 10) M(1, 8) M(1, 6) M(1, 4) M(1, 1) M(2, 7) M(2, 5) M(2, 3)
#else
#define TILE_SHAPES(M) M(1, 6) M(1, 5) M(1, 4) M(1, 3) M(1, 2) M(1, 1) M(2, 3) M(2, 2)
#endif

typedef struct {
    int rows, columns;
    tile_kernel *kernel[2]; /* for one and for two blocks of outputs */
} tile_shape;

/* By the distance of pixels in x, LANES, 2 LANES or 1; the end has no rows. */
extern const tile_shape tiles_one[], tiles_two[], tiles_planar[];

/* The shape that takes the least time for an image, as its multiply-adds say. */
INLINE const tile_shape *tile_for(const tile_shape *table, idx height, idx width) {
    const tile_shape *best = table;
    double least = 1e30;
    for (const tile_shape *t = table; t->rows; t++) {
        if (t->rows > height) continue;
        double tiles = (double)(ceil_div(height, t->rows) * ceil_div(width, t->columns));
        double cost = tiles * ((double)max_idx(t->rows * t->columns, 4) + 0.5);
        if (cost < least) {
            least = cost;
            best = t;
        }
    }
    return best;
}

/* y = the sum over depth k and lanes i of weight[k][i] * x[offset[k] + i], for rows x columns
 * pixels that are `apart` elements apart. */
INLINE void run_tile(const int rows, const int columns, const int blocks, const int lanes,
                     const idx apart, const blocked_tile *t) {
    vec sum[2][TILE_PIXELS];
#pragma GCC unroll 2
    for (int b = 0; b < blocks; b++)
#pragma GCC unroll 14
        for (int p = 0; p < rows * columns; p++) sum[b][p] = (vec){0};
    const real *weight = t->weight, *ahead = t->ahead;
    const idx x_row = t->x_row;
    for (const idx *offset = t->offset, *end = offset + t->depth; offset < end; offset++) {
        const real *x = t->x + *offset;
        for (idx line = 0; line < t->ahead_lines; line++, ahead += CACHE_LINE)
            __builtin_prefetch(ahead, 0, 2);
#pragma GCC unroll 4
        for (int i = 0; i < lanes; i++, weight += blocks * LANES) {
            vec w[2];
#pragma GCC unroll 2
            for (int b = 0; b < blocks; b++) w[b] = load(weight + b * LANES);
#pragma GCC unroll 14
            for (int p = 0; p < rows * columns; p++) {
                vec factor = x[p / columns * x_row + p % columns * apart + i] - (vec){0};
#pragma GCC unroll 2
                for (int b = 0; b < blocks; b++) sum[b][p] += factor * w[b];
            }
        }
    }
#pragma GCC unroll 2
    for (int b = 0; b < blocks; b++) {
        vec bias = t->bias ? load(t->bias + b * LANES) : (vec){0};
        vec slopes = t->slopes ? load(t->slopes + b * LANES) : (vec){0};
#pragma GCC unroll 14
        for (int p = 0; p < rows * columns; p++) {
            if (p / columns >= t->rows || p % columns >= t->columns) continue;
            idx place = p / columns * t->y_row + p % columns * LANES;
            vec v = sum[b][p] + bias;
            if (t->z) v += load(t->z + b * t->z_block + p / columns * t->z_row + p % columns * LANES);
            store(t->y + b * t->y_block + place, activate(t->end, v, slopes));
        }
    }
}

/* Compiles the kernels of one distance, as the table `name`. */
#define TILE_KERNELS(rows, columns)                                     \
    static void one_##rows##_##columns(const blocked_tile *t) {         \
        run_tile(rows, columns, 1, TILE_LANES, TILE_APART, t);          \
    }                                                                   \
    static void two_##rows##_##columns(const blocked_tile *t) {         \
        run_tile(rows, columns, 2, TILE_LANES, TILE_APART, t);          \
    }
#define TILE_ENTRY(rows, columns) {rows, columns, {one_##rows##_##columns, two_##rows##_##columns}},
