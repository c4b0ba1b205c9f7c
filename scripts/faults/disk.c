/* A disk that hangs, turns read-only or fills up when told to: preloaded, it looks before every change of a file under
 * $DISK_DIR into the file $DISK_STATE, whose first word is `ok`, `stall` (the call waits until it says otherwise),
 * `read-only` (EROFS) or `full` (ENOSPC for what would take space). Reading always works, as on such disks.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static char root[PATH_MAX], state_file[PATH_MAX];

__attribute__((constructor)) static void begin(void) {
    const char *dir = getenv("DISK_DIR"), *state = getenv("DISK_STATE");
    if (!dir || !state || !realpath(dir, root)) { root[0] = 0; return; }
    snprintf(state_file, sizeof state_file, "%s", state);
}

static char state(void) {
    char word = 'o';
    int fd = REAL(open)(state_file, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) { if (read(fd, &word, 1) != 1) word = 'o'; REAL(close)(fd); }
    return word;
}

static int inside(const char *path) {
    size_t n = strlen(root);
    return n && path && strncmp(path, root, n) == 0 && (path[n] == '/' || path[n] == 0);
}

static int inside_fd(int fd) {
    char link[64], path[PATH_MAX];
    if (!root[0]) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n <= 0) return 0;
    path[n] = 0;
    return inside(path);
}

/* 0 where the call may go on; else errno is set. */
static int stopped(int takes_space) {
    char now;
    while ((now = state()) == 's') { struct timespec t = {0, 20000000}; nanosleep(&t, NULL); }
    if (now == 'r') { errno = EROFS; return -1; }
    if (now == 'f' && takes_space) { errno = ENOSPC; return -1; }
    return 0;
}

#define OPEN(name)                                                                                 \
    int name(const char *path, int flags, ...) {                                                   \
        va_list args; va_start(args, flags);                                                       \
        mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(args, mode_t) : 0;                  \
        va_end(args);                                                                              \
        int makes = (flags & O_CREAT) && access(path, F_OK) != 0;                                  \
        if (inside(path) && (flags & O_ACCMODE) != O_RDONLY && stopped(makes)) return -1;          \
        return REAL(name)(path, flags, mode);                                                      \
    }
OPEN(open)
OPEN(open64)

#define CHANGE(takes_space, test, type, name, params, call)                                        \
    type name params {                                                                             \
        if (test && stopped(takes_space)) return -1;                                               \
        return REAL(name) call;                                                                    \
    }
CHANGE(1, inside_fd(fd), ssize_t, write, (int fd, const void *b, size_t n), (fd, b, n))
CHANGE(1, inside_fd(fd), ssize_t, pwrite, (int fd, const void *b, size_t n, off_t at), (fd, b, n, at))
CHANGE(1, inside_fd(fd), ssize_t, pwrite64, (int fd, const void *b, size_t n, off64_t at), (fd, b, n, at))
CHANGE(1, inside_fd(fd), ssize_t, writev, (int fd, const struct iovec *v, int n), (fd, v, n))
CHANGE(0, inside_fd(fd), int, ftruncate, (int fd, off_t to), (fd, to))
CHANGE(0, inside_fd(fd), int, ftruncate64, (int fd, off64_t to), (fd, to))
CHANGE(0, inside_fd(fd), int, fsync, (int fd), (fd))
CHANGE(0, inside_fd(fd), int, fdatasync, (int fd), (fd))
CHANGE(0, inside(a), int, rename, (const char *a, const char *b), (a, b))
CHANGE(0, inside(a), int, unlink, (const char *a), (a))
CHANGE(1, inside(a), int, mkdir, (const char *a, mode_t m), (a, m))
