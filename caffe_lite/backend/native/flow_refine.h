#pragma once

#include "flow_level.h"

/* Improves level->u, level->v by minimizing an energy with a smoothness term. */
idx flow_refine_scratch(const flow_level *level); /* floats */
void flow_refine(const flow_level *level, const flow_settings *settings, float *scratch);
