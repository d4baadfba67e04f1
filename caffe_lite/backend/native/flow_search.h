#pragma once

#include "flow_level.h"

/* Improves level->u, level->v by searching for each patch of `first` in `second`. */
idx flow_search_scratch(const flow_level *level, idx stride); /* floats */
void flow_search(const flow_level *level, const flow_settings *settings, float *scratch);
