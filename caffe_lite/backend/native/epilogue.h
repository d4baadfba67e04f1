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

/* GCC 12 fails to expand the comparisons inside loops for pairs of doubles in SSE2. */
#if VECTOR_BYTES == 16
#define ACTIVATE static __attribute__((noinline, unused))
#else
#define ACTIVATE INLINE
#endif

/* v through the activation; slopes: of ACT_PRELU, for these channels. NaN stays NaN. */
ACTIVATE vec activate(epilogue e, vec v, vec slopes) {
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
