/* The tile sizes that are compiled: whole and half height, one to three vectors wide. */
#include "tile.h"

#define SIZE(rows, vectors)                                       \
    if (vectors == vectors_) {                                    \
        tile_sum(rows, vectors, depth, a, b, b_stride, out);      \
        return;                                                   \
    }

/* rows may be anything up to TILE_ROWS; a and out must hold as many rows as the size chosen. */
void tile_product(int rows, int vectors_, idx depth, const real *const *a, const real *b,
                  idx b_stride, real *out) {
    if (rows > TILE_ROWS / 2) {
        SIZE(TILE_ROWS, 3)
        SIZE(TILE_ROWS, 2)
        SIZE(TILE_ROWS, 1)
    }
    SIZE(TILE_ROWS / 2, 3)
    SIZE(TILE_ROWS / 2, 2)
    SIZE(TILE_ROWS / 2, 1)
}
