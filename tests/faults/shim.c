/* Preloaded into a process (LD_PRELOAD), it reports calls that concern files below one folder to a
 * hook before they run; the hook returns 0, or an errno with which the call fails instead. The n-th
 * large allocation of NumPy fails on request. Until it is armed, all calls pass through. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OPEN, WRITE, FSYNC, REPLACE, MMAP };

typedef int hook_fn(int kind, const char *path);
static hook_fn *hook;
static char watched[PATH_MAX];
static __thread int inside; /* the hook's own calls are not reported */

void faults_watch(const char *folder, hook_fn *function) {
    snprintf(watched, sizeof watched, "%s", folder);
    hook = function;
}

static int refused(int kind, const char *path) {
    if (!hook || inside || strncmp(path, watched, strlen(watched))) return 0;
    inside = 1;
    int error = hook(kind, path);
    inside = 0;
    errno = error;
    return error;
}

static int refused_at(int kind, int folder, const char *path) {
    char full[2 * PATH_MAX];
    if (!hook || inside || !path) return 0;
    if (path[0] == '/') return refused(kind, path);
    char link[64], start[PATH_MAX];
    if (folder == AT_FDCWD) snprintf(link, sizeof link, "/proc/self/cwd");
    else snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    ssize_t length = readlink(link, start, sizeof start - 1);
    if (length < 0) return 0;
    start[length] = 0;
    snprintf(full, sizeof full, "%s/%s", start, path);
    return refused(kind, full);
}

static int refused_for(int kind, int file) {
    char link[64], path[PATH_MAX];
    if (!hook || inside) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return refused(kind, path);
}

#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

#define OPEN_LIKE(name)                                                            \
    int name(const char *path, int flags, ...) {                                   \
        va_list rest;                                                              \
        va_start(rest, flags);                                                     \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;    \
        va_end(rest);                                                              \
        return refused_at(OPEN, AT_FDCWD, path) ? -1 : REAL(name)(path, flags, mode); \
    }
OPEN_LIKE(open)
OPEN_LIKE(open64)

#define OPENAT_LIKE(name)                                                          \
    int name(int at, const char *path, int flags, ...) {                           \
        va_list rest;                                                              \
        va_start(rest, flags);                                                     \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;    \
        va_end(rest);                                                              \
        return refused_at(OPEN, at, path) ? -1 : REAL(name)(at, path, flags, mode); \
    }
OPENAT_LIKE(openat)
OPENAT_LIKE(openat64)

ssize_t write(int file, const void *data, size_t size) {
    return refused_for(WRITE, file) ? -1 : REAL(write)(file, data, size);
}
ssize_t pwrite(int file, const void *data, size_t size, off_t at) {
    return refused_for(WRITE, file) ? -1 : REAL(pwrite)(file, data, size, at);
}
ssize_t pwrite64(int file, const void *data, size_t size, off64_t at) {
    return refused_for(WRITE, file) ? -1 : REAL(pwrite64)(file, data, size, at);
}
ssize_t writev(int file, const struct iovec *parts, int count) {
    return refused_for(WRITE, file) ? -1 : REAL(writev)(file, parts, count);
}
ssize_t pwritev(int file, const struct iovec *parts, int count, off_t at) {
    return refused_for(WRITE, file) ? -1 : REAL(pwritev)(file, parts, count, at);
}

/* Nothing is synced: the machine does not crash, and thousands of syncs take minutes. */
int fsync(int file) { return refused_for(FSYNC, file) ? -1 : 0; }
int fdatasync(int file) { return refused_for(FSYNC, file) ? -1 : 0; }

int rename(const char *from, const char *to) {
    return refused_at(REPLACE, AT_FDCWD, to) ? -1 : REAL(rename)(from, to);
}
int renameat(int from_at, const char *from, int to_at, const char *to) {
    return refused_at(REPLACE, to_at, to) ? -1 : REAL(renameat)(from_at, from, to_at, to);
}

void *mmap(void *at, size_t size, int access, int flags, int file, off_t offset) {
    if (file >= 0 && refused_for(MMAP, file)) return MAP_FAILED;
    return REAL(mmap)(at, size, access, flags, file, offset);
}
void *mmap64(void *at, size_t size, int access, int flags, int file, off64_t offset) {
    if (file >= 0 && refused_for(MMAP, file)) return MAP_FAILED;
    return REAL(mmap64)(at, size, access, flags, file, offset);
}

/* NumPy's allocations are counted here: a hook in Python would allocate. */
static size_t smallest;
static long allocations, failing;
static __thread int counts; /* only the thread that armed it */

void faults_allocate(size_t least, long number) {
    smallest = least;
    failing = number;
    allocations = 0;
    counts = 1;
}
long faults_allocations(void) { return allocations; }

static int too_much(size_t size, void *caller) {
    Dl_info home;
    if (!counts || inside || size < smallest) return 0;
    if (!dladdr(caller, &home) || !strstr(home.dli_fname, "numpy")) return 0;
    if (++allocations != failing) return 0;
    errno = ENOMEM;
    return 1;
}

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

#define CALLER __builtin_return_address(0)
void *malloc(size_t size) { return too_much(size, CALLER) ? NULL : __libc_malloc(size); }
void *calloc(size_t count, size_t size) {
    return too_much(count * size, CALLER) ? NULL : __libc_calloc(count, size);
}
void *realloc(void *old, size_t size) {
    return too_much(size, CALLER) ? NULL : __libc_realloc(old, size);
}
