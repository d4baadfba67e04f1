/* Steps over images in blocks of LANES channels, a vector for each pixel.
 *
 * Channel c of pixel (i, j) of image n is data[n * image + c / LANES * block + i * row + j * LANES +
 * c % LANES]. The channels that fill the last block up are zero. Each plane may have a halo: rows
 * and columns of zeros around it, which windows reach into. */
#pragma once

#include "common.h"

typedef struct {
    real *data;
    idx image, block, row;
} blocked;

enum { ACT_NONE, ACT_LEAKY, ACT_PRELU, ACT_CLIP, ACT_ELU };

/* One step, filled in by Python: every field has 8 bytes. Counts of channels are in blocks. */
typedef struct {
    idx kind;
    idx images, channels, height, width; /* x */
    idx outputs, out_height, out_width;  /* y */
    idx kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, group;
    blocked x, y, z; /* z: added to y before the activation; no data: none */
    const real *weight, *bias;
    const idx *offset; /* of each group of inputs that one step of a sum reads */
    idx depth;         /* the number of those steps, or of parameters of another kind */
    idx activation;
    const real *slopes; /* ACT_PRELU, per channel */
    double slope, low, high;
    idx count;   /* of channels, where the last block matters; of threads that have scratch */
    real *plain; /* an array in the plain layout: N, C, H, W */
    idx size;    /* of a window over channels; of a run of squares */
    double alpha, beta, k;
    real *scratch; /* memory for this step alone */
} chain_step;

void blocked_convolution(const chain_step *s);
void planar_convolution(const chain_step *s);
void blocked_winograd(const chain_step *s);
void blocked_depthwise(const chain_step *s);
void blocked_pooling(const chain_step *s);
void blocked_sum(const chain_step *s);
void blocked_map(const chain_step *s);
void blocked_lrn(const chain_step *s);
void blocked_from_plain(const chain_step *s);
void blocked_to_plain(const chain_step *s);
void blocked_copy(const chain_step *s);
void planes_from_plain(const chain_step *s);
void clear_halo(const chain_step *s);
