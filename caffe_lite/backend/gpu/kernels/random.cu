#include "common.cuh"

// Counter-based random numbers: Philox 4x64 with 10 rounds (Salmon et al., "Parallel random
// numbers: as easy as 1, 2, 3", 2011), in the order of NumPy's generator of that name, so that a
// seed gives the same sequence on every device. `state` is (position, key, key); position counts
// the consumed blocks of four 64-bit numbers. It is on the device so that each replay of a captured
// graph continues where the last one stopped.

typedef unsigned long long u64;

#define PHILOX_ROUNDS 10
#define MULTIPLIER_0 0xD2E7470EE14C6C93ull
#define MULTIPLIER_1 0xCA5A826395121157ull
#define WEYL_0 0x9E3779B97F4A7C15ull
#define WEYL_1 0xBB67AE8584CAA73Bull

// Uniform numbers in [0, 1) per block of four 64-bit numbers.
#define PER_BLOCK (sizeof(Dtype) == 8 ? 4 : 8)

__device__ inline void philox(const u64 *state, Index block, u64 *out) {
    u64 key_0 = state[1], key_1 = state[2];
    // The first block of a sequence has counter 1.
    u64 c_0 = state[0] + (u64)block + 1, c_1 = 0, c_2 = 0, c_3 = 0;
    for (int round = 0; round < PHILOX_ROUNDS; ++round) {
        u64 high_0 = __umul64hi(MULTIPLIER_0, c_0), low_0 = MULTIPLIER_0 * c_0;
        u64 high_1 = __umul64hi(MULTIPLIER_1, c_2), low_1 = MULTIPLIER_1 * c_2;
        c_0 = high_1 ^ c_1 ^ key_0;
        c_1 = low_1;
        c_2 = high_0 ^ c_3 ^ key_1;
        c_3 = low_0;
        key_0 += WEYL_0;
        key_1 += WEYL_1;
    }
    out[0] = c_0;
    out[1] = c_1;
    out[2] = c_2;
    out[3] = c_3;
}

// The i-th uniform number of a block: 53 bits of one 64-bit number for double, 24 bits of half a
// number, lower half first, for float.
__device__ inline Dtype unit(const u64 *numbers, int i) {
    if (sizeof(Dtype) == 8) return (Dtype)((double)(numbers[i] >> 11) * (1.0 / 9007199254740992.0));
    unsigned int half = (unsigned int)(numbers[i / 2] >> (i % 2 * 32));
    return (Dtype)((float)(half >> 8) * (1.0f / 16777216.0f));
}

KERNEL uniform(Index blocks, const u64 *state, Dtype *out, Index n) {
    FOR_EACH(block, blocks) {
        u64 numbers[4];
        philox(state, block, numbers);
        for (int i = 0; i < PER_BLOCK; ++i) {
            Index at = block * PER_BLOCK + i;
            if (at < n) out[at] = unit(numbers, i);
        }
    }
}

// mask = `kept` where a uniform number is at least `ratio`, else 0; y = x * mask; y may be x.
KERNEL dropout(Index blocks, const u64 *state, const Dtype *x, Dtype *y, Dtype *mask, Dtype ratio,
               Dtype kept, Index n) {
    FOR_EACH(block, blocks) {
        u64 numbers[4];
        philox(state, block, numbers);
        for (int i = 0; i < PER_BLOCK; ++i) {
            Index at = block * PER_BLOCK + i;
            if (at < n) {
                Dtype factor = unit(numbers, i) >= ratio ? kept : (Dtype)0;
                mask[at] = factor;
                y[at] = x[at] * factor;
            }
        }
    }
}

// Launched separately after the numbers are drawn, so that all blocks read the same position.
KERNEL advance(u64 *state, u64 blocks) {
    if (blockIdx.x == 0 && threadIdx.x == 0) state[0] += blocks;
}
