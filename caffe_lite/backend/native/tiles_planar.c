/* Kernels whose pixels are single numbers: planes of channels. */
#include "blocked_tile.h"

#define TILE_LANES 1
#define TILE_APART (1)

TILE_SHAPES(TILE_KERNELS)

const tile_shape tiles_planar[] = {TILE_SHAPES(TILE_ENTRY){0}};
