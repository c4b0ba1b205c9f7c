/* A disk that can lose power: preloaded, it writes down what is done to the files under $POWERCUT_DIR, so that
 * powercut.py can build the folder as a disk may have it when the power goes: everything that was synced, and
 * of what was not any part, in any order, torn at sectors.
 *
 * The log is one record an action: a line of text, then the bytes written. Files are opened, written, truncated,
 * renamed, removed; fsync of a file makes its bytes durable, fsync of a folder its names (POSIX promises no
 * more; ext4 and xfs keep to it).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define FDS 4096
static char *paths[FDS];
static char root[PATH_MAX];
static int log_fd = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

__attribute__((constructor)) static void begin(void) {
    const char *dir = getenv("POWERCUT_DIR"), *log = getenv("POWERCUT_LOG");
    if (!dir || !log || !realpath(dir, root)) return;
    log_fd = REAL(open)(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int inside(const char *path, char *full) {
    if (log_fd < 0 || !path) return 0;
    if (path[0] == '/') snprintf(full, PATH_MAX, "%s", path);
    else { char cwd[PATH_MAX]; if (!getcwd(cwd, sizeof cwd)) return 0; snprintf(full, PATH_MAX, "%s/%s", cwd, path); }
    size_t n = strlen(root);
    return strncmp(full, root, n) == 0 && (full[n] == '/' || full[n] == 0);
}

/* One record with one write, so that a kill cuts only the last. */
static void note(const char *what, const char *a, const char *b, long long x, const void *data, size_t len) {
    char head[2 * PATH_MAX + 64];
    int n = snprintf(head, sizeof head, "%s\t%s\t%s\t%lld\t%zu\n", what, a, b ? b : "", x, len);
    struct iovec v[2] = {{head, (size_t)n}, {(void *)data, len}};
    ssize_t done = REAL(writev)(log_fd, v, len ? 2 : 1);
    (void)done;
}

static const char *of(int fd) { return fd >= 0 && fd < FDS ? paths[fd] : NULL; }

static int opened(int fd, const char *path, int flags, int existed) {
    char full[PATH_MAX];
    if (fd < 0 || fd >= FDS || !inside(path, full)) return fd;
    pthread_mutex_lock(&lock);
    free(paths[fd]);
    paths[fd] = strdup(full);
    if ((flags & O_CREAT) && !existed) note("create", full, NULL, 0, NULL, 0);
    if (flags & O_TRUNC) note("truncate", full, NULL, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    return fd;
}

#define OPEN(name)                                                                                 \
    int name(const char *path, int flags, ...) {                                                   \
        va_list args; va_start(args, flags);                                                       \
        mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(args, mode_t) : 0;                  \
        va_end(args);                                                                              \
        struct stat st; int existed = stat(path, &st) == 0;                                        \
        return opened(REAL(name)(path, flags, mode), path, flags, existed);                        \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                               \
    int name(int dir, const char *path, int flags, ...) {                                          \
        va_list args; va_start(args, flags);                                                       \
        mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(args, mode_t) : 0;                  \
        va_end(args);                                                                              \
        struct stat st; int existed = fstatat(dir, path, &st, 0) == 0;                             \
        int fd = REAL(name)(dir, path, flags, mode);                                               \
        return dir == AT_FDCWD ? opened(fd, path, flags, existed) : fd;                            \
    }
OPENAT(openat)
OPENAT(openat64)

int close(int fd) {
    if (of(fd)) { pthread_mutex_lock(&lock); free(paths[fd]); paths[fd] = NULL; pthread_mutex_unlock(&lock); }
    return REAL(close)(fd);
}

static void wrote(int fd, const void *data, ssize_t done, long long at) {
    if (done <= 0 || !of(fd)) return;
    pthread_mutex_lock(&lock);
    if (of(fd)) note("write", of(fd), NULL, at, data, (size_t)done);
    pthread_mutex_unlock(&lock);
}

ssize_t write(int fd, const void *data, size_t len) {
    long long at = of(fd) ? (long long)lseek(fd, 0, SEEK_CUR) : 0;
    ssize_t done = REAL(write)(fd, data, len);
    wrote(fd, data, done, at);
    return done;
}
ssize_t pwrite(int fd, const void *data, size_t len, off_t at) {
    ssize_t done = REAL(pwrite)(fd, data, len, at);
    wrote(fd, data, done, at);
    return done;
}
ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at) {
    ssize_t done = REAL(pwrite64)(fd, data, len, at);
    wrote(fd, data, done, at);
    return done;
}

static int synced(int fd, int done) {
    if (done == 0 && of(fd)) {
        pthread_mutex_lock(&lock);
        if (of(fd)) note("sync", of(fd), NULL, 0, NULL, 0);
        pthread_mutex_unlock(&lock);
    }
    return done;
}
int fsync(int fd) { return synced(fd, REAL(fsync)(fd)); }
int fdatasync(int fd) { return synced(fd, REAL(fdatasync)(fd)); }

static int shortened(int fd, long long len, int done) {
    if (done == 0 && of(fd)) {
        pthread_mutex_lock(&lock);
        if (of(fd)) note("truncate", of(fd), NULL, len, NULL, 0);
        pthread_mutex_unlock(&lock);
    }
    return done;
}
int ftruncate(int fd, off_t len) { return shortened(fd, len, REAL(ftruncate)(fd, len)); }
int ftruncate64(int fd, off64_t len) { return shortened(fd, len, REAL(ftruncate64)(fd, len)); }

int rename(const char *from, const char *to) {
    char a[PATH_MAX], b[PATH_MAX];
    int done = REAL(rename)(from, to), old = errno;
    if (done == 0 && inside(from, a) && inside(to, b)) {
        pthread_mutex_lock(&lock); note("rename", a, b, 0, NULL, 0); pthread_mutex_unlock(&lock);
    }
    errno = old;
    return done;
}
int unlink(const char *path) {
    char a[PATH_MAX];
    int done = REAL(unlink)(path), old = errno;
    if (done == 0 && inside(path, a)) {
        pthread_mutex_lock(&lock); note("unlink", a, NULL, 0, NULL, 0); pthread_mutex_unlock(&lock);
    }
    errno = old;
    return done;
}
int mkdir(const char *path, mode_t mode) {
    char a[PATH_MAX];
    int done = REAL(mkdir)(path, mode), old = errno;
    if (done == 0 && inside(path, a)) {
        pthread_mutex_lock(&lock); note("mkdir", a, NULL, 0, NULL, 0); pthread_mutex_unlock(&lock);
    }
    errno = old;
    return done;
}
