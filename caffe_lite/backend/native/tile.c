/* The compiled tile sizes: whole and half height, one to three vectors wide. */
#include "tile.h"

/* rows <= TILE_ROWS; a and out must have the rows of the next compiled height. */
void tile_product(int rows, int vectors, idx depth, const real *const *a, const real *b,
                  idx b_stride, real *out) {
    if (rows > TILE_ROWS / 2)
        switch (vectors) {
        case 1: tile_sum(TILE_ROWS, 1, depth, a, b, b_stride, out); break;
        case 2: tile_sum(TILE_ROWS, 2, depth, a, b, b_stride, out); break;
        default: tile_sum(TILE_ROWS, 3, depth, a, b, b_stride, out);
        }
    else
        switch (vectors) {
        case 1: tile_sum(TILE_ROWS / 2, 1, depth, a, b, b_stride, out); break;
        case 2: tile_sum(TILE_ROWS / 2, 2, depth, a, b, b_stride, out); break;
        default: tile_sum(TILE_ROWS / 2, 3, depth, a, b, b_stride, out);
        }
}
