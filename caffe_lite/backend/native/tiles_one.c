/* Kernels whose pixels are neighbours: stride 1. */
#include "blocked_tile.h"

#define TILE_LANES LANES
#define TILE_APART (LANES)

TILE_SHAPES(TILE_KERNELS)

const tile_shape tiles_one[] = {TILE_SHAPES(TILE_ENTRY){0}};
