/* Matrix products that use every number of the larger matrix once or twice: they take as long as it
 * takes to read it, in the order in which it lies. */
#pragma once

#include "common.h"

#define THIN_ROWS 2
#define SHORT_DEPTH 2

/* out (rows, width) = or += left (rows, depth) right (depth, width). left (r, k) lies at
 * r * row_step + k * depth_step, the others row after row. */
typedef struct {
    idx rows, width, depth;
    const real *left;
    idx row_step, depth_step;
    const real *right;
    real *out;
    int accumulate;
    idx part; /* columns or rows of a task, filled in here */
} thin_job;

/* At most THIN_ROWS rows: the gradient of an item or two through a layer's weights. */
void thin_product(thin_job *job);

/* A depth of at most SHORT_DEPTH: the gradient to a layer's weights from an item or two. */
void short_product(thin_job *job);
