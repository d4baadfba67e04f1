/* What happens to the vectors of a result before they are stored. */
#pragma once

#include "blocked.h"
#include "vector_math.h"

typedef struct {
    int kind;
    real slope, low, high;
} epilogue;

INLINE epilogue epilogue_of(const chain_step *s) {
    return (epilogue){(int)s->activation, (real)s->slope, (real)s->low, (real)s->high};
}

INLINE vec larger(vec a, vec b) { return select_vec(a > b, a, b); }

/* v through the activation; slopes: of ACT_PRELU, for these channels. NaN stays NaN. */
INLINE vec activate(epilogue e, vec v, vec slopes) {
    const vec zero = {0};
    switch (e.kind) {
    case ACT_LEAKY:
        if (e.slope == 0) return select_vec(v < zero, zero, v);
        return select_vec(v < zero, v * e.slope, v);
    case ACT_PRELU: return select_vec(v < zero, v * slopes, v);
    case ACT_CLIP:
        v = select_vec(v > zero + e.high, zero + e.high, v);
        return select_vec(v < zero + e.low, zero + e.low, v);
    case ACT_ELU: return select_vec(v < zero, e.slope * (exp_vec(v) - 1), v);
    default: return v;
    }
}
