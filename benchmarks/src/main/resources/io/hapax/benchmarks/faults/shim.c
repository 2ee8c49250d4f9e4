/* For the process that loads it (LD_PRELOAD): adds an offset in seconds, read from the file HAPAX_CLOCK, to its wall clock,
   not to its monotonic clocks; and lets its connections to this machine come from the address HAPAX_SOURCE. System calls are
   made directly, as looking functions up allocates memory, which asks for the time in some allocators. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile long *offset;

__attribute__((constructor)) static void map_offset(void) {
    const char *file = getenv("HAPAX_CLOCK");
    int fd = file ? open(file, O_RDONLY) : -1;
    if (fd >= 0) {
        void *page = mmap(0, sizeof(long), PROT_READ, MAP_SHARED, fd, 0);
        if (page != MAP_FAILED) offset = page;
        close(fd);
    }
}

int clock_gettime(clockid_t clock, struct timespec *at) {
    int failed = syscall(SYS_clock_gettime, clock, at);
    if (!failed && offset && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) at->tv_sec += *offset;
    return failed;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
    struct timespec now;
    (void) zone;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) {
        at->tv_sec = now.tv_sec;
        at->tv_usec = now.tv_nsec / 1000;
    }
    return 0;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}

static int is_local(const struct sockaddr *to) {
    if (to->sa_family == AF_INET) return (ntohl(((const struct sockaddr_in *) to)->sin_addr.s_addr) >> 24) == 127;
    if (to->sa_family != AF_INET6) return 0;
    const unsigned char *ip = ((const struct sockaddr_in6 *) to)->sin6_addr.s6_addr;
    return IN6_IS_ADDR_V4MAPPED((const struct in6_addr *) ip) && ip[12] == 127;
}

static void bind_source(int fd, const struct sockaddr *to, const char *source) {
    struct in_addr address;
    int no_port = 1;
    if (!inet_aton(source, &address)) return;
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &no_port, sizeof no_port);
    if (to->sa_family == AF_INET) {
        struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr = address};
        bind(fd, (struct sockaddr *) &from, sizeof from);
    } else {
        struct sockaddr_in6 from = {.sin6_family = AF_INET6};
        from.sin6_addr.s6_addr[10] = from.sin6_addr.s6_addr[11] = 0xff;
        memcpy(from.sin6_addr.s6_addr + 12, &address, 4);
        bind(fd, (struct sockaddr *) &from, sizeof from);
    }
}

int connect(int fd, const struct sockaddr *to, socklen_t length) {
    const char *source = getenv("HAPAX_SOURCE");
    if (source && is_local(to)) bind_source(fd, to, source);
    return syscall(SYS_connect, fd, to, length);
}
