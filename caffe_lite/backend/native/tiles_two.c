/* Kernels whose pixels are two apart: stride 2. */
#include "blocked_tile.h"

#define TILE_LANES LANES
#define TILE_APART (2 * LANES)

TILE_SHAPES(TILE_KERNELS)

const tile_shape tiles_two[] = {TILE_SHAPES(TILE_ENTRY){0}};
