/* A pool of threads that sleep between jobs. The caller works on its own job; a worker that wakes
 * up too late finds the job closed, and the caller does not wait for it. */
#include "common.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define MAX_WORKERS 255
#define CLOSED (1 << 30)
#define SPINS 3000         /* about 30 microseconds, the usual time between two jobs of one layer */
#define SMALL_WORK 20000.0 /* nanoseconds below which waking a thread costs more than it saves */
#define SHARES 32          /* per thread, so that tiny tasks do not contend for the counter */

static struct {
    pthread_mutex_t owner; /* held by the caller of the running job */
    pthread_mutex_t lock;  /* protects sleeping */
    pthread_cond_t wake;
    int workers, started, sleeping;
    atomic_ulong generation;
    atomic_int inside; /* workers in the job, and CLOSED */
    atomic_long next;
    idx tasks, at_once; /* tasks that a thread takes at a time */
    task_fn *run;
    void *context;
} pool = {.owner = PTHREAD_MUTEX_INITIALIZER,
          .lock = PTHREAD_MUTEX_INITIALIZER,
          .wake = PTHREAD_COND_INITIALIZER,
          .inside = CLOSED};

static void pause_cpu(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

static void take_tasks(int thread) {
    for (;;) {
        idx task = atomic_fetch_add(&pool.next, pool.at_once);
        idx last = min_idx(task + pool.at_once, pool.tasks);
        if (task >= last) return;
        for (; task < last; task++) pool.run(pool.context, task, thread);
    }
}

static void await_job(unsigned long seen) {
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load(&pool.generation) != seen) return;
        pause_cpu();
    }
    pthread_mutex_lock(&pool.lock);
    pool.sleeping++;
    while (atomic_load(&pool.generation) == seen) pthread_cond_wait(&pool.wake, &pool.lock);
    pool.sleeping--;
    pthread_mutex_unlock(&pool.lock);
}

static void *serve(void *number) {
    unsigned long seen = 0;
    for (;;) {
        await_job(seen);
        seen = atomic_load(&pool.generation);
        if (!(atomic_fetch_add(&pool.inside, 1) & CLOSED) && (intptr_t)number <= pool.workers)
            take_tasks((int)(intptr_t)number);
        atomic_fetch_sub(&pool.inside, 1);
    }
    return NULL;
}

/* A forked child has only the thread that forked; it starts its own workers when needed. */
static void forget_workers(void) {
    pthread_mutex_init(&pool.owner, NULL);
    pthread_mutex_init(&pool.lock, NULL);
    pthread_cond_init(&pool.wake, NULL);
    pool.started = pool.sleeping = 0;
    atomic_store(&pool.generation, 0);
    atomic_store(&pool.inside, CLOSED);
}

static void start_workers(void) {
    pthread_attr_t detached;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    for (; pool.started < pool.workers; pool.started++) {
        pthread_t thread;
        if (pthread_create(&thread, &detached, serve, (void *)(intptr_t)(pool.started + 1))) {
            pool.workers = pool.started; /* the system allows no more threads */
            break;
        }
    }
    pthread_attr_destroy(&detached);
}

/* Sets the number of threads, including the caller's, from the next job on. */
API void pool_configure(int threads) {
    static int registered;
    if (!registered) registered = !pthread_atfork(NULL, NULL, forget_workers);
    pthread_mutex_lock(&pool.owner);
    pool.workers = (int)min_idx(max_idx(threads - 1, 0), MAX_WORKERS);
    pthread_mutex_unlock(&pool.owner);
}

API int pool_threads(void) { return pool.workers + 1; }

void parallel(idx tasks, double work, task_fn *run, void *context) {
    int alone = tasks < 2 || work < SMALL_WORK || !pool.workers;
    if (alone || pthread_mutex_trylock(&pool.owner)) {
        for (idx task = 0; task < tasks; task++) run(context, task, 0);
        return;
    }
    start_workers();
    pool.tasks = tasks;
    pool.at_once = max_idx(1, tasks / (SHARES * pool_threads()));
    pool.run = run;
    pool.context = context;
    atomic_store(&pool.next, 0);
    atomic_fetch_and(&pool.inside, ~CLOSED);
    atomic_fetch_add(&pool.generation, 1);
    pthread_mutex_lock(&pool.lock);
    if (pool.sleeping) pthread_cond_broadcast(&pool.wake);
    pthread_mutex_unlock(&pool.lock);
    take_tasks(0);
    atomic_fetch_or(&pool.inside, CLOSED);
    for (int i = 0; atomic_load(&pool.inside) != CLOSED; i++)
        if (i < SPINS) pause_cpu();
        else sched_yield();
    pthread_mutex_unlock(&pool.owner);
}
