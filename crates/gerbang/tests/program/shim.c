/* Loaded in front of the C library: a disk whose syncs fail, a process that dies when half of a
 * request is on its way, no sockets, a clock that is wrong. What to do is in the environment; see shim.rs. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* True when a file of this name stands there and `fd` is a file whose path ends so. */
static int sync_fails(int fd) {
    const char *trigger = getenv("SHIM_SYNC_TRIGGER"), *ending = getenv("SHIM_SYNC_ENDING");
    if (!trigger || !ending || access(trigger, F_OK) != 0) return 0;
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    size_t tail = strlen(ending);
    return (size_t)length >= tail && strcmp(path + length - tail, ending) == 0;
}

int fsync(int fd) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fsync");
    if (sync_fails(fd)) { errno = EIO; return -1; }
    return real(fd);
}

int fdatasync(int fd) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fdatasync");
    if (sync_fails(fd)) { errno = EIO; return -1; }
    return real(fd);
}

/* No socket of the network while a file of this name stands there: no descriptor is left. */
int socket(int domain, int type, int protocol) {
    static int (*real)(int, int, int);
    if (!real) real = dlsym(RTLD_NEXT, "socket");
    const char *trigger = getenv("SHIM_SOCKET_TRIGGER");
    int network = domain == AF_INET || domain == AF_INET6;
    if (network && trigger && access(trigger, F_OK) == 0) { errno = EMFILE; return -1; }
    return real(domain, type, protocol);
}

static ssize_t (*plain_write(void))(int, const void *, size_t) {
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) real = dlsym(RTLD_NEXT, "write");
    return real;
}

/* Half of what begins with SHIM_DIE_SENDING leaves; then the process is gone. */
static void die_sending(int fd, const char *bytes, size_t length) {
    static int seen;
    const char *begin = getenv("SHIM_DIE_SENDING"), *count = getenv("SHIM_DIE_COUNT");
    if (!begin || length < strlen(begin) || memcmp(bytes, begin, strlen(begin)) != 0) return;
    if (__sync_add_and_fetch(&seen, 1) != (count ? atoi(count) : 1)) return;
    plain_write()(fd, bytes, length / 2);
    static const char said[] = "dies in the middle\n";
    plain_write()(2, said, sizeof said - 1);
    usleep(50000);
    kill(getpid(), SIGKILL);
}

ssize_t write(int fd, const void *bytes, size_t length) {
    die_sending(fd, bytes, length);
    return plain_write()(fd, bytes, length);
}

ssize_t send(int fd, const void *bytes, size_t length, int flags) {
    static ssize_t (*real)(int, const void *, size_t, int);
    if (!real) real = dlsym(RTLD_NEXT, "send");
    die_sending(fd, bytes, length);
    return real(fd, bytes, length, flags);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    static ssize_t (*real)(int, const struct iovec *, int);
    if (!real) real = dlsym(RTLD_NEXT, "writev");
    if (count > 0) die_sending(fd, parts[0].iov_base, parts[0].iov_len);
    return real(fd, parts, count);
}

/* The time of day, off by SHIM_CLOCK_OFF seconds. */
int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int done = real(clock, now);
    const char *off = clock == CLOCK_REALTIME ? getenv("SHIM_CLOCK_OFF") : NULL;
    if (done == 0 && off) now->tv_sec += atoi(off);
    return done;
}
