// What every kernel file includes. `Dtype` (float or double) and `Index` (int, or long long for
// arrays of over two billion elements) are macros set by the launcher, so that one source serves
// all of them without templates or mangled names. No system header may be included: the run-time
// compiler has none.

#define KERNEL extern "C" __global__ void

// Every i in 0 ... n-1, once over the whole grid, whatever its size.
#define FOR_EACH(i, n)                                                     \
    for (Index i = (Index)blockIdx.x * blockDim.x + threadIdx.x; i < (n);  \
         i += (Index)blockDim.x * gridDim.x)

// Smallest positive normal number and largest finite number of single precision: Caffe takes both
// from `float` whatever the type of the net.
#define SMALLEST ((Dtype)1.17549435082228750797e-38)
#define LARGEST ((Dtype)3.40282346638528859812e+38)

// How many elements a thread that walks with strides, and so cannot take neighbours, reads before
// it uses the first: that many are on their way from memory together.
#define AT_ONCE 4

// Four neighbours in memory, at most 16 bytes of which are read or written at once. What takes them
// needs a quarter of the instructions, and has four times as much on its way from memory.
struct alignas(16) Four {
    Dtype at[4];
};

// How many fours hold n elements; the last one may be of fewer.
#define FOURS(n) (((n) + 3) / 4)

__device__ inline bool is_whole(const Dtype *a, Index four, Index n) {
    return four * 4 + 4 <= n && (unsigned long long)(a + four * 4) % 16 == 0;
}

__device__ inline Four take_four(const Dtype *a, Index four, Index n) {
    if (is_whole(a, four, n)) return *(const Four *)(a + four * 4);
    Four values;
    for (int k = 0; k < 4; ++k) values.at[k] = four * 4 + k < n ? a[four * 4 + k] : (Dtype)0;
    return values;
}

__device__ inline void put_four(const Four &values, Dtype *a, Index four, Index n) {
    if (is_whole(a, four, n)) {
        *(Four *)(a + four * 4) = values;
        return;
    }
    for (int k = 0; k < 4 && four * 4 + k < n; ++k) a[four * 4 + k] = values.at[k];
}

__device__ inline Dtype sigmoid(Dtype x) {
    return (Dtype)1 / ((Dtype)1 + exp(-x));
}
