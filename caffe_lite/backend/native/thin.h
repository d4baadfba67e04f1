/* Matrix products that use each element of the larger matrix once or twice. They are bound by
 * memory and read or write that matrix in order. */
#pragma once

#include "common.h"

#define THIN_ROWS 2
#define SHORT_DEPTH 2

/* out (rows, width) = or += left (rows, depth) @ right (depth, width). left (r, k) is at
 * r * row_step + k * depth_step, the others are row-major. */
typedef struct {
    idx rows, width, depth;
    const real *left;
    idx row_step, depth_step;
    const real *right;
    real *out;
    int accumulate;
    idx part; /* columns or rows per task, set by the functions below */
} thin_job;

/* At most THIN_ROWS rows: the gradient of an inner product's input for one or two items. */
void thin_product(thin_job *job);

/* A depth of at most SHORT_DEPTH: the gradient of its weights from one or two items. */
void short_product(thin_job *job);
