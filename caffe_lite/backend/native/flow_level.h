/* Dense optical flow by inverse search: the images and the flow of one level of the pyramid, and
 * vectors of a patch's row. Pixels and motions are float whatever the library's element type is. */
#pragma once

#include "common.h"

#define PATCH 8   /* pixels of a patch's side: one vector per row */
#define BORDER 16 /* pixels by which images are extended, so that patches may leave them */

typedef float row8 __attribute__((vector_size(PATCH * sizeof(float))));

INLINE row8 load8(const float *p) {
    row8 v;
    memcpy(&v, p, sizeof v);
    return v;
}
INLINE void store8(float *p, row8 v) { memcpy(p, &v, sizeof v); }
INLINE float sum8(row8 v) {
    return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
}

typedef struct {
    idx height, width;
    idx pitch;            /* floats per row of an extended image */
    float *first, *second; /* pixel (0, 0) of the extended images */
    float *u, *v;         /* the flow, height x width each */
} flow_level;

typedef struct {
    idx stride;       /* pixels between patches */
    int descents;     /* steps of the search per patch */
    int refinements;  /* fixed-point iterations of the refinement; 0: none */
} flow_settings;
