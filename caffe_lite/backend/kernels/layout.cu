#include "common.cuh"

// y (b, a, inner) = x (a, b, inner), plus bias[a] where bias is not null: the two outer axes change
// places, between images of channels and the channel rows of one wide matrix.
KERNEL swap_outer(const Dtype *x, const Dtype *bias, Dtype *y, int a, int b, Index inner) {
    for (int j = blockIdx.z; j < b; j += gridDim.z) {
        for (int i = blockIdx.y; i < a; i += gridDim.y) {
            const Dtype *from = x + ((Index)i * b + j) * inner;
            Dtype *to = y + ((Index)j * a + i) * inner;
            Dtype extra = bias ? bias[i] : (Dtype)0;
            FOR_EACH(k, inner) to[k] = from[k] + extra;
        }
    }
}
