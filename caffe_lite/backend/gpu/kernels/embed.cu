#include "common.cuh"
#include "reduce.cuh"

// Rows of a table by number. An id outside the table reads and writes nothing; `take` records it in
// `fault` = (1, id), which the host reads when it next waits for the device.

KERNEL take(Index n, const Dtype *weight, const int *ids, Dtype *out, int rows, int columns,
            Dtype *fault) {
    FOR_EACH(i, n) {
        int id = ids[i / columns];
        bool there = id >= 0 && id < rows;
        out[i] = there ? weight[(Index)id * columns + i % columns] : (Dtype)0;
        if (!there) {
            fault[0] = 1;
            fault[1] = id;
        }
    }
}

#define MOST_THREADS 1024

// target[ids[i]] += values[i] in the order of i, so that rounding is reproducible. Block (i, part)
// adds all rows with id ids[i] in its part of the columns, unless an earlier i has the same id.
KERNEL scatter_add_in_order(int count, Dtype *target, const int *ids, const Dtype *values,
                            int rows, int columns) {
    __shared__ bool same[MOST_THREADS];
    const int first_column = blockIdx.y * blockDim.x + threadIdx.x;
    for (int first = blockIdx.x; first < count; first += gridDim.x) {
        const int id = ids[first];
        if (id < 0 || id >= rows) continue;
        Dtype earlier = 0;
        for (int i = threadIdx.x; i < first; i += blockDim.x) {
            earlier = ids[i] == id ? (Dtype)1 : earlier;
        }
        if (block_max(earlier) > 0) continue;
        for (int from = first; from < count; from += blockDim.x) {
            const int i = from + threadIdx.x;
            const bool hit = i < count && ids[i] == id;
            // block_max also synchronizes, so `same` is not overwritten while it is being read.
            if (block_max(hit ? (Dtype)1 : (Dtype)0) == 0) continue;
            same[threadIdx.x] = hit;
            __syncthreads();
            for (int c = first_column; c < columns; c += gridDim.y * blockDim.x) {
                Dtype sum = target[(Index)id * columns + c];
                for (int k = 0; k < blockDim.x; ++k) {
                    if (same[k]) sum += values[(Index)(from + k) * columns + c];
                }
                target[(Index)id * columns + c] = sum;
            }
        }
    }
}

// The same in undefined order, for more rows than can be compared with each other efficiently.
KERNEL scatter_add(Index n, Dtype *target, const int *ids, const Dtype *values, int rows,
                   int columns) {
    FOR_EACH(i, n) {
        int id = ids[i / columns];
        if (id >= 0 && id < rows) {
            atomicAdd(target + (Index)id * columns + i % columns, values[i]);
        }
    }
}
