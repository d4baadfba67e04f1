// The part of CUDA that the kernel files need, to build and run them on the host, block by block.
//
// In kernels with barriers or shuffles, each thread of a block is a coroutine that runs until it must
// wait for the others. Threads run in rising or in falling order, which reveals results that depend
// on the order, for example because a barrier is missing.

#include <math.h>
#include <setjmp.h>
#include <string.h>
#include <ucontext.h>

using std::ceil;
using std::exp;
using std::exp2;
using std::floor;
using std::fmax;
using std::fmin;
using std::log;
using std::log2;
using std::pow;
using std::sqrt;
using std::tanh;
using std::trunc;

#define __global__
#define __device__
#define __shared__ static

struct Dim {
    unsigned x, y, z;
};
static Dim threadIdx, blockIdx, blockDim, gridDim;

namespace host {

enum State { RUNNING, AT_BLOCK, AT_WARP, DONE };
const int MOST_THREADS = 1024, STACK = 64 * 1024;
const char *fault = 0;  // why the last launch failed
bool together = false;  // whether threads are coroutines in this launch
State state[MOST_THREADS];
bool started[MOST_THREADS];
jmp_buf place[MOST_THREADS], scheduler;
ucontext_t fresh[MOST_THREADS], back;
char *stacks = 0;
void (*body)(void **);
void **arguments;
unsigned char exchanged[MOST_THREADS][8];

inline void wait(State why) {
    if (!together) {
        fault = "a thread waits in a kernel that was not marked as synchronizing";
        return;
    }
    int me = threadIdx.x;
    state[me] = why;
    if (!_setjmp(place[me])) _longjmp(scheduler, 1);
}

inline void thread_main() {
    body(arguments);
    state[threadIdx.x] = DONE;
    _longjmp(scheduler, 1);
}

// Runs one thread until it waits or ends.
__attribute__((noinline)) void step(int thread) {
    threadIdx.x = thread;
    if (_setjmp(scheduler)) return;
    if (started[thread]) _longjmp(place[thread], 1);
    started[thread] = true;
    getcontext(&fresh[thread]);
    fresh[thread].uc_stack.ss_sp = stacks + thread * STACK;
    fresh[thread].uc_stack.ss_size = STACK;
    fresh[thread].uc_link = &back;
    makecontext(&fresh[thread], thread_main, 0);
    setcontext(&fresh[thread]);
}

// Threads from..to-1 all wait for the same point, or are past it: resume them.
inline bool release(int from, int to, State why) {
    for (int t = from; t < to; ++t) {
        if (state[t] != why) return false;
    }
    for (int t = from; t < to; ++t) state[t] = RUNNING;
    return true;
}

// Runs each warp as far ahead as possible, so that it overwrites too early what another warp has
// not read yet.
inline void run_block(int threads, bool falling) {
    if (!stacks) stacks = new char[(size_t)MOST_THREADS * STACK];
    for (int t = 0; t < threads; ++t) {
        state[t] = RUNNING;
        started[t] = false;
    }
    const int warps = (threads + WARP - 1) / WARP;
    while (true) {
        volatile bool progress = false;
        for (volatile int i = 0; i < warps; ++i) {
            const int from = (falling ? warps - 1 - i : i) * WARP;
            const int to = from + WARP < threads ? from + WARP : threads;
            do {
                for (volatile int j = 0; j < to - from; ++j) {
                    const int t = falling ? to - 1 - j : from + j;
                    if (state[t] != RUNNING) continue;
                    progress = true;
                    step(t);
                }
            } while (release(from, to, AT_WARP));
        }
        bool done = true;
        for (int t = 0; t < threads; ++t) done = done && state[t] == DONE;
        if (done) return;
        if (release(0, threads, AT_BLOCK)) progress = true;
        if (!progress) {
            fault = "some threads of a block wait where others never come";
            return;
        }
    }
}

inline void launch(void (*kernel)(void **), void **args, const unsigned *grid, unsigned threads,
                   bool meet, bool falling) {
    fault = 0;
    together = meet;
    body = kernel;
    arguments = args;
    gridDim = Dim{grid[0], grid[1], grid[2]};
    blockDim = Dim{threads, 1, 1};
    threadIdx = Dim{0, 0, 0};
    for (blockIdx.z = 0; blockIdx.z < grid[2]; ++blockIdx.z) {
        for (blockIdx.y = 0; blockIdx.y < grid[1]; ++blockIdx.y) {
            for (blockIdx.x = 0; blockIdx.x < grid[0] && !fault; ++blockIdx.x) {
                if (meet) {
                    run_block(threads, falling);
                    continue;
                }
                for (unsigned i = 0; i < threads; ++i) {
                    threadIdx.x = falling ? threads - 1 - i : i;
                    kernel(args);
                }
            }
        }
    }
}

}  // namespace host

inline void __syncthreads() { host::wait(host::AT_BLOCK); }

template <typename T>
T __shfl_xor_sync(unsigned, T value, int lanes) {
    int me = threadIdx.x;
    memcpy(host::exchanged[me], &value, sizeof(T));
    host::wait(host::AT_WARP);
    memcpy(&value, host::exchanged[me ^ lanes], sizeof(T));
    host::wait(host::AT_WARP);
    return value;
}

template <typename T>
T atomicAdd(T *address, T value) {
    T before = *address;
    *address += value;
    return before;
}

inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
    return (unsigned long long)(((unsigned __int128)a * b) >> 64);
}
