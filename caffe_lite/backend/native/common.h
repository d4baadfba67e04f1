/* The element type, vectors, and the thread pool's interface. Everything is compiled once with
 * REAL=float and once with REAL=double. Vectors are GCC's vector extension, as wide as the
 * machine's registers. */
#pragma once

#include <math.h>
#include <stdint.h>
#include <string.h>

#ifndef REAL
#define REAL float
#endif

typedef REAL real;
typedef int64_t idx;

#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#elif defined(__AVX__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif

/* AVX-512 and Arm have 32 vector registers, other x86 has 16. */
#if defined(__AVX512F__) || defined(__aarch64__)
#define TILE_ROWS 8
#else
#define TILE_ROWS 4
#endif

#define LANES ((idx)(VECTOR_BYTES / sizeof(real)))
#define TILE_VECTORS 3
#define TILE_WIDTH (TILE_VECTORS * LANES)
#define TILE_WIDTH_MAX (TILE_VECTORS * VECTOR_BYTES / (int)sizeof(float))

typedef real vec __attribute__((vector_size(VECTOR_BYTES)));
typedef real loose_vec __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(real)), may_alias));

#define INLINE static inline __attribute__((always_inline))
#define API __attribute__((visibility("default")))

INLINE vec load(const real *p) { return *(const loose_vec *)p; }
INLINE void store(real *p, vec v) { *(loose_vec *)p = v; }
INLINE idx min_idx(idx a, idx b) { return a < b ? a : b; }
INLINE idx max_idx(idx a, idx b) { return a > b ? a : b; }
INLINE idx ceil_div(idx a, idx b) { return (a + b - 1) / b; }

#define COPY_TWICE(bytes)                                                        \
    if (size >= bytes) {                                                         \
        __builtin_memcpy(to_bytes, from_bytes, bytes);                           \
        __builtin_memcpy(to_bytes + size - bytes, from_bytes + size - bytes, bytes); \
        return;                                                                  \
    }

/* memcpy for rows of a few dozen elements, inline: overlapping pieces of fixed size. */
INLINE void copy_row(real *to, const real *from, idx count) {
    char *to_bytes = (char *)to;
    const char *from_bytes = (const char *)from;
    idx size = count * (idx)sizeof(real);
    for (; size > 128; size -= 64, to_bytes += 64, from_bytes += 64)
        __builtin_memcpy(to_bytes, from_bytes, 64);
    COPY_TWICE(64)
    COPY_TWICE(32)
    COPY_TWICE(16)
    COPY_TWICE(8)
    COPY_TWICE(4)
}

/* Sum of a vector's lanes, pairwise. */
INLINE real lane_sum(vec v) {
    real lanes[VECTOR_BYTES / sizeof(real)];
    store(lanes, v);
    for (idx width = LANES / 2; width; width /= 2)
        for (idx i = 0; i < width; i++) lanes[i] += lanes[i + width];
    return lanes[0];
}

/* Runs each task 0 ... tasks - 1 once on the pool's threads; thread is in [0, pool_threads()).
 * Tasks must not write to the same memory. work estimates the nanoseconds of all tasks on one
 * thread; little work stays on the caller's thread. */
typedef void task_fn(void *context, idx task, int thread);
void parallel(idx tasks, double work, task_fn *run, void *context);
int pool_threads(void);
