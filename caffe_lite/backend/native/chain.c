/* A list of steps in one call, so that small layers do not pay for one each. */
#include "blocked.h"
#include "plan.h"

/* In the order of KINDS in Python. */
static void (*const kinds[])(const chain_step *) = {
    blocked_convolution, planar_convolution, blocked_depthwise,  blocked_pooling,
    blocked_sum,         blocked_map,        blocked_lrn,        blocked_from_plain,
    blocked_to_plain,    blocked_copy,       planes_from_plain,  clear_halo,
    blocked_winograd,
};

API void chain_run(idx count, const chain_step *steps) {
    for (idx i = 0; i < count; i++) kinds[steps[i].kind](&steps[i]);
}

/* The number of channels in a block. */
API idx chain_lanes(void) { return LANES; }

/* The size of a step in bytes. */
API idx chain_step_size(void) { return (idx)sizeof(chain_step); }

/* Elements of one channel's planes; `found` gets the length of their rows, `base` the offset of
 * each channel and tap. */
API idx chain_planes(const convolution_plan *p, idx *found, idx *base) {
    axis h, w;
    plan_axes(p, &h, &w);
    *found = w.count;
    plan_bases(p, &h, &w, planes_size(&h, &w), base);
    return planes_size(&h, &w);
}
