/* Gives a program an I2C adapter that the machine does not have.
 *
 * Loaded with LD_PRELOAD, it turns open, ioctl, read, write and close on /dev/i2c-N into transactions
 * with an emulated part; the encoding is described in bus.py. Which adapters there are says the variable
 * SOFTATECC_I2C, for example "1=127.0.0.1:40001,2=127.0.0.1:40002". Everything else passes through.
 *
 * Rules of this file:
 * 1. What open returns is the connected socket itself: closing it, also by exit or exec, ends the connection.
 * 2. A descriptor is ours only while it is still that very socket: number, device and inode are compared.
 * 3. A pseudo terminal has no modem lines; cryptoauthlib sets them all the same and gives up where that
 *    fails, so on pseudo terminals it does not (lib/hal/hal_linux_uart_userspace.c).
 * 4. Errors are those of Linux's i2c-dev: EREMOTEIO where nobody acknowledged, ENOENT where no part runs.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* From Linux's include/uapi/linux/i2c-dev.h and i2c.h, which not every machine has. */
enum {
    SET_RETRIES = 0x0701, SET_TIMEOUT = 0x0702, SET_ADDRESS = 0x0703, SET_TENBIT = 0x0704, GET_FUNCS = 0x0705,
    SET_ADDRESS_FORCED = 0x0706, COMBINED = 0x0707, SET_PEC = 0x0708,
};
enum { FUNC_I2C = 0x00000001, MESSAGE_READS = 0x0001, MOST_MESSAGES = 42, LONGEST = 8192 };
struct message { uint16_t address, flags, length; uint8_t *bytes; };
struct combined { struct message *messages; uint32_t count; };

enum { MOST_FILES = 1024, HEADER = 4 };
static struct { int used; uint8_t address; dev_t device; ino_t inode; } ours[MOST_FILES];
static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t wire = PTHREAD_MUTEX_INITIALIZER; /* the kernel lets one transaction through at a time, too */

static int (*real_open)(const char *, int, ...);
static int (*real_openat)(int, const char *, int, ...);
static int (*real_ioctl)(int, unsigned long, ...);
static ssize_t (*real_read)(int, void *, size_t);
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_close)(int);

__attribute__((constructor)) static void find_the_real_ones(void)
{
    if (real_close)
        return;
    real_open = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
    real_openat = (int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, "openat");
    real_ioctl = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
    real_read = (ssize_t (*)(int, void *, size_t))dlsym(RTLD_NEXT, "read");
    real_write = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    real_close = (int (*)(int))dlsym(RTLD_NEXT, "close");
}

/* --- which descriptors are ours ------------------------------------------------------------------- */

static int is_ours(int fd)
{
    struct stat now;
    int answer;

    if (fd < 0 || fd >= MOST_FILES || !ours[fd].used)
        return 0;
    pthread_mutex_lock(&guard);
    answer = ours[fd].used && fstat(fd, &now) == 0 && now.st_dev == ours[fd].device
             && now.st_ino == ours[fd].inode;
    if (!answer)
        ours[fd].used = 0; /* closed behind our back and given to something else */
    pthread_mutex_unlock(&guard);
    return answer;
}

static int adopt(int fd)
{
    struct stat now;

    if (fd >= MOST_FILES || fstat(fd, &now) != 0) {
        real_close(fd);
        errno = EMFILE;
        return -1;
    }
    pthread_mutex_lock(&guard);
    ours[fd].device = now.st_dev;
    ours[fd].inode = now.st_ino;
    ours[fd].address = 0x7F;
    ours[fd].used = 1;
    pthread_mutex_unlock(&guard);
    return fd;
}

/* The port that SOFTATECC_I2C gives for a path, 0 where the path is none of ours. */
static int port_of(const char *path, char host[64])
{
    const char *prefix = "/dev/i2c-", *list = getenv("SOFTATECC_I2C");
    size_t length = strlen(prefix);
    char *end;
    long wanted;

    if (!path || !list || strncmp(path, prefix, length) != 0 || path[length] < '0' || path[length] > '9')
        return 0;
    wanted = strtol(path + length, &end, 10);
    if (*end != '\0')
        return 0;
    while (*list) {
        long bus;
        int port;
        if (sscanf(list, "%ld=%63[^:]:%d", &bus, host, &port) == 3 && bus == wanted && port > 0 && port < 65536)
            return port;
        list = strchr(list, ',');
        if (!list)
            return 0;
        list++;
    }
    return 0;
}

static int open_ours(const char *host, int port, int flags)
{
    struct sockaddr_in there = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | ((flags & O_CLOEXEC) ? SOCK_CLOEXEC : 0), 0);

    if (fd < 0)
        return -1;
    if (inet_pton(AF_INET, host, &there.sin_addr) != 1
        || connect(fd, (struct sockaddr *)&there, sizeof there) != 0) {
        real_close(fd);
        errno = ENOENT;
        return -1;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return adopt(fd);
}

/* --- transactions --------------------------------------------------------------------------------- */

static int send_all(int fd, const uint8_t *bytes, size_t count)
{
    while (count) {
        ssize_t sent = send(fd, bytes, count, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return -1;
        bytes += sent;
        count -= (size_t)sent;
    }
    return 0;
}

static int receive_all(int fd, uint8_t *bytes, size_t count)
{
    while (count) {
        ssize_t got = recv(fd, bytes, count, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return -1;
        bytes += got;
        count -= (size_t)got;
    }
    return 0;
}

static ssize_t transact_alone(int fd, int reads, uint8_t address, uint8_t *bytes, size_t count)
{
    uint8_t request[HEADER + LONGEST], status;
    size_t length = HEADER;

    request[0] = reads ? 'R' : 'W';
    request[1] = address;
    request[2] = (uint8_t)(count & 0xFF);
    request[3] = (uint8_t)(count >> 8);
    if (!reads && count) {
        memcpy(request + HEADER, bytes, count);
        length += count;
    }
    if (send_all(fd, request, length) != 0 || receive_all(fd, &status, 1) != 0) {
        errno = EIO; /* the device is gone */
        return -1;
    }
    if (status != 0) {
        errno = EREMOTEIO;
        return -1;
    }
    if (reads && receive_all(fd, bytes, count) != 0) {
        errno = EIO;
        return -1;
    }
    return (ssize_t)count;
}

static ssize_t transact(int fd, int reads, uint8_t address, uint8_t *bytes, size_t count)
{
    ssize_t answer;

    pthread_mutex_lock(&wire);
    answer = transact_alone(fd, reads, address, bytes, count > LONGEST ? LONGEST : count);
    pthread_mutex_unlock(&wire);
    return answer;
}

static int combined(int fd, const struct combined *all)
{
    if (all->count > MOST_MESSAGES) {
        errno = EINVAL;
        return -1;
    }
    for (uint32_t index = 0; index < all->count; index++) {
        const struct message *one = &all->messages[index];
        if (one->address > 0x7F) {
            errno = EINVAL;
            return -1;
        }
        if (transact(fd, one->flags & MESSAGE_READS, (uint8_t)one->address, one->bytes, one->length) < 0)
            return -1;
    }
    return (int)all->count;
}

/* --- what the program calls instead ---------------------------------------------------------------- */

static int needs_mode(int flags)
{
    return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
}

#define MODE_OF(flags, mode)                                                                                 \
    do {                                                                                                     \
        if (needs_mode(flags)) {                                                                             \
            va_list rest;                                                                                    \
            va_start(rest, flags);                                                                           \
            mode = va_arg(rest, mode_t);                                                                     \
            va_end(rest);                                                                                    \
        }                                                                                                    \
    } while (0)

int open(const char *path, int flags, ...)
{
    mode_t mode = 0;
    char host[64];
    int port = port_of(path, host);

    find_the_real_ones();
    MODE_OF(flags, mode);
    return port ? open_ours(host, port, flags) : real_open(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    mode_t mode = 0;

    MODE_OF(flags, mode);
    return open(path, flags | O_LARGEFILE, mode);
}

int openat(int directory, const char *path, int flags, ...)
{
    mode_t mode = 0;
    char host[64];
    int port = port_of(path, host);

    find_the_real_ones();
    MODE_OF(flags, mode);
    return port ? open_ours(host, port, flags) : real_openat(directory, path, flags, mode);
}

int openat64(int directory, const char *path, int flags, ...)
{
    mode_t mode = 0;

    MODE_OF(flags, mode);
    return openat(directory, path, flags | O_LARGEFILE, mode);
}

/* What a program built with _FORTIFY_SOURCE calls. */
int __open_2(const char *path, int flags)
{
    return open(path, flags);
}

int __open64_2(const char *path, int flags)
{
    return open64(path, flags);
}

static int passed_on(int fd, unsigned long request, void *argument)
{
    struct stat facts;
    int answer = real_ioctl(fd, request, argument), why = errno;

    if (answer < 0 && why == ENOTTY && (request == TIOCMBIS || request == TIOCMBIC) && fstat(fd, &facts) == 0
        && S_ISCHR(facts.st_mode) && major(facts.st_rdev) >= 136 && major(facts.st_rdev) <= 143)
        return 0; /* Linux, Documentation/admin-guide/devices.txt: the majors of pseudo terminals */
    errno = why;
    return answer;
}

int ioctl(int fd, unsigned long request, ...)
{
    va_list rest;
    void *argument;

    va_start(rest, request);
    argument = va_arg(rest, void *);
    va_end(rest);
    find_the_real_ones();
    if (!is_ours(fd))
        return passed_on(fd, request, argument);
    switch (request) {
    case SET_ADDRESS:
    case SET_ADDRESS_FORCED:
        if ((uintptr_t)argument > 0x7F) {
            errno = EINVAL;
            return -1;
        }
        ours[fd].address = (uint8_t)(uintptr_t)argument;
        return 0;
    case GET_FUNCS:
        *(unsigned long *)argument = FUNC_I2C;
        return 0;
    case COMBINED:
        return combined(fd, argument);
    case SET_RETRIES:
    case SET_TIMEOUT:
        return 0;
    case SET_TENBIT:
    case SET_PEC:
        if (!argument)
            return 0;
        errno = EINVAL;
        return -1;
    default:
        errno = ENOTTY;
        return -1;
    }
}

ssize_t read(int fd, void *bytes, size_t count)
{
    find_the_real_ones();
    return is_ours(fd) ? transact(fd, 1, ours[fd].address, bytes, count) : real_read(fd, bytes, count);
}

ssize_t __read_chk(int fd, void *bytes, size_t count, size_t room)
{
    if (count > room)
        abort();
    return read(fd, bytes, count);
}

ssize_t write(int fd, const void *bytes, size_t count)
{
    find_the_real_ones();
    return is_ours(fd) ? transact(fd, 0, ours[fd].address, (uint8_t *)(uintptr_t)bytes, count)
                       : real_write(fd, bytes, count);
}

int close(int fd)
{
    find_the_real_ones();
    if (is_ours(fd))
        ours[fd].used = 0;
    return real_close(fd);
}
