// What the C library only declares under _GNU_SOURCE, which Swift's view of it lacks.
#ifndef MEMORYD_CPOSIX_SHIM_H
#define MEMORYD_CPOSIX_SHIM_H

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef __linux__
#include <malloc.h>
#include <sys/mman.h>

struct memoryd_statx_time {
  long long seconds;
  unsigned nanoseconds;
  int reserved;
};

// As the kernel has it; the C library's own is only declared under _GNU_SOURCE.
struct memoryd_statx {
  unsigned mask, block_size;
  unsigned long long attributes;
  unsigned links, user, group;
  unsigned short mode, spare;
  unsigned long long inode, size, blocks, attribute_mask;
  struct memoryd_statx_time accessed, born, changed, modified;
  unsigned long long rest[16];
};

struct statx;
extern int statx(int, const char *, int, unsigned, struct statx *);

struct memoryd_credentials {
  int pid;
  unsigned uid, gid;
};

extern int accept4(int, struct sockaddr *, socklen_t *, int);
extern int memfd_create(const char *, unsigned);
extern int pipe2(int[2], int);
#endif

// Accepts a connection that no child inherits and that never blocks; -1 with errno.
static inline int memoryd_accept(int descriptor) {
#ifdef __linux__
  return accept4(descriptor, 0, 0, SOCK_CLOEXEC | SOCK_NONBLOCK);
#else
  int one = accept(descriptor, 0, 0);
  if (one >= 0) {
    fcntl(one, F_SETFD, FD_CLOEXEC);
    fcntl(one, F_SETFL, fcntl(one, F_GETFL) | O_NONBLOCK);
  }
  return one;
#endif
}

// Keeps a process of many threads from keeping what each of them once needed: by default every
// thread has a heap of its own, and a large block that was freed once makes all later ones as large
// stay in them.
static inline void memoryd_bound_heap(void) {
#ifdef __GLIBC__
  mallopt(M_ARENA_MAX, 2);
  mallopt(M_MMAP_THRESHOLD, 1 << 18);
  mallopt(M_TRIM_THRESHOLD, 1 << 20);
#endif
}

// Gives unused memory back to the system.
static inline void memoryd_trim_heap(void) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

// A pipe that no other child inherits.
static inline int memoryd_pipe(int ends[2]) {
#ifdef __linux__
  return pipe2(ends, O_CLOEXEC);
#else
  if (pipe(ends) != 0) return -1;
  fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  fcntl(ends[1], F_SETFD, FD_CLOEXEC);
  return 0;
#endif
}

// The user at the other end of a Unix socket; -1 where the system does not tell.
static inline long memoryd_peer_user(int descriptor) {
#ifdef __linux__
  struct memoryd_credentials peer;
  socklen_t length = sizeof(peer);
  // SO_PEERCRED
  if (getsockopt(descriptor, SOL_SOCKET, 17, &peer, &length) != 0) return -1;
  return peer.uid;
#else
  uid_t user;
  gid_t group;
  return getpeereid(descriptor, &user, &group) == 0 ? (long)user : -1;
#endif
}

// When a folder was made, in ns since 1970; 0 where the file system does not tell.
static inline long long memoryd_birth(const char *path) {
#ifdef __linux__
  struct memoryd_statx facts = {0};
  // AT_FDCWD, STATX_BTIME
  if (statx(-100, path, 0, 0x800, (struct statx *)&facts) != 0) return 0;
  if (!(facts.mask & 0x800)) return 0;
  return facts.born.seconds * 1000000000LL + facts.born.nanoseconds;
#else
  struct stat facts;
  if (stat(path, &facts) != 0) return 0;
  return (long long)facts.st_birthtimespec.tv_sec * 1000000000LL + facts.st_birthtimespec.tv_nsec;
#endif
}

// A file without a name that outlives execve; -1 with errno.
static inline int memoryd_nameless_file(void) {
#ifdef __linux__
  return memfd_create("memoryd-input", 0);
#else
  char name[] = "/tmp/memoryd-input-XXXXXX";
  int descriptor = mkstemp(name);
  if (descriptor >= 0) unlink(name);
  return descriptor;
#endif
}

#endif
