// Included by every kernel file. `Dtype` (float or double) and `Index` (int, or long long for
// arrays of over two billion elements) are macros passed to the compiler, as are the numbers in
// constants.py, so that one source needs neither templates nor mangled names. No system header may
// be included: the run-time compiler has none.

#define KERNEL extern "C" __global__ void

// A grid-stride loop over 0 ... n - 1.
#define FOR_EACH(i, n)                                                     \
    for (Index i = (Index)blockIdx.x * blockDim.x + threadIdx.x; i < (n);  \
         i += (Index)blockDim.x * gridDim.x)

// The smallest positive normal and the largest finite number of single precision. Caffe uses those
// of `float` for double as well.
#define SMALLEST ((Dtype)1.17549435082228750797e-38)
#define LARGEST ((Dtype)3.40282346638528859812e+38)

// Elements that a thread loads before it uses the first one, in loops that cannot use Four: more
// loads are then in flight.
#define AT_ONCE 4

// Four neighbours in memory, loaded and stored as 16-byte vectors: a quarter of the instructions,
// and four times as many bytes in flight.
struct alignas(16) Four {
    Dtype at[4];
};

// Number of Fours that hold n elements; the last one may be partial.
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
