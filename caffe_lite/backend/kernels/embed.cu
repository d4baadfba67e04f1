#include "common.cuh"

// Rows of a table by number. An id outside the table reads and writes nothing: it is reported by
// `fault` = (1, the id), which the host sees when it next waits for the device.

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

KERNEL scatter_add(Index n, Dtype *target, const int *ids, const Dtype *values, int rows,
                   int columns) {
    FOR_EACH(i, n) {
        int id = ids[i / columns];
        if (id >= 0 && id < rows) {
            atomicAdd(target + (Index)id * columns + i % columns, values[i]);
        }
    }
}
