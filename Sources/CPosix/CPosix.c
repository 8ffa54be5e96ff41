#define _GNU_SOURCE
#include "CPosix.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

int memoryd_accept(int descriptor) {
#ifdef __linux__
  return accept4(descriptor, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
#else
  int one = accept(descriptor, NULL, NULL);
  if (one >= 0) {
    fcntl(one, F_SETFD, FD_CLOEXEC);
    fcntl(one, F_SETFL, fcntl(one, F_GETFL) | O_NONBLOCK);
  }
  return one;
#endif
}

void memoryd_bound_heap(void) {
#ifdef __GLIBC__
  mallopt(M_ARENA_MAX, 2);
  mallopt(M_MMAP_THRESHOLD, 1 << 18);
  mallopt(M_TRIM_THRESHOLD, 1 << 20);
#endif
}

void memoryd_keep_heap(void) {
#ifdef __GLIBC__
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
  mallopt(M_TOP_PAD, 1 << 20);
  // To set one of them stops the library from raising this one, which then maps each large block anew.
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
#endif
}

long long memoryd_monotonic(void) {
  struct timespec time;
  if (clock_gettime(CLOCK_MONOTONIC, &time) != 0) return 0;
  return time.tv_sec * 1000000LL + time.tv_nsec / 1000;
}

struct memoryd_work {
  void (*body)(void *);
  void *context;
};

static void *memoryd_thread(void *argument) {
  struct memoryd_work work = *(struct memoryd_work *)argument;
  free(argument);
  work.body(work.context);
  return NULL;
}

int memoryd_start_thread(long stack, void (*body)(void *), void *context) {
  pthread_attr_t attributes;
  pthread_t thread;
  struct memoryd_work *work = malloc(sizeof *work);
  if (work == NULL) return -1;
  work->body = body;
  work->context = context;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, stack);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  int failure = pthread_create(&thread, &attributes, memoryd_thread, work);
  pthread_attr_destroy(&attributes);
  if (failure == 0) return 0;
  free(work);
  errno = failure;
  return -1;
}

int memoryd_claim(void) {
  static atomic_flag claimed = ATOMIC_FLAG_INIT;
  return !atomic_flag_test_and_set(&claimed);
}

long long memoryd_wall_clock(void) {
  struct timespec time;
  if (clock_gettime(CLOCK_REALTIME, &time) != 0) return 0;
  return time.tv_sec * 1000000LL + time.tv_nsec / 1000;
}

int memoryd_sync_data(int descriptor) {
#ifdef __linux__
  return fdatasync(descriptor);
#else
  // fsync(2) of macOS leaves it to the disk when to write.
  if (fcntl(descriptor, F_FULLFSYNC) == 0) return 0;
  return fsync(descriptor);
#endif
}

int memoryd_reserve(int descriptor, long long bytes) {
#ifdef __linux__
  if (fallocate(descriptor, FALLOC_FL_KEEP_SIZE, 0, bytes) == 0) return 0;
#else
  fstore_t room = {F_ALLOCATEALL, F_PEOFPOSMODE, 0, bytes, 0};
  if (fcntl(descriptor, F_PREALLOCATE, &room) == 0) return 0;
#endif
  return errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL ? 0 : -1;
}

void memoryd_trim_heap(void) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

void memoryd_bound_process(int process, long long memory, long long seconds) {
#ifdef __linux__
  struct rlimit limit = {memory, memory};
  prlimit(process, RLIMIT_DATA, &limit, NULL);
  limit.rlim_cur = limit.rlim_max = seconds;
  prlimit(process, RLIMIT_CPU, &limit, NULL);
#else
  (void)process, (void)memory, (void)seconds;
#endif
}

int memoryd_pipe(int ends[2]) {
#ifdef __linux__
  return pipe2(ends, O_CLOEXEC);
#else
  if (pipe(ends) != 0) return -1;
  fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  fcntl(ends[1], F_SETFD, FD_CLOEXEC);
  return 0;
#endif
}

long memoryd_peer_user(int descriptor) {
#ifdef __linux__
  struct ucred peer;
  socklen_t length = sizeof(peer);
  if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return -1;
  return peer.uid;
#else
  uid_t user;
  gid_t group;
  return getpeereid(descriptor, &user, &group) == 0 ? (long)user : -1;
#endif
}

long long memoryd_birth(const char *path) {
#ifdef __linux__
  struct statx facts;
  if (statx(AT_FDCWD, path, 0, STATX_BTIME, &facts) != 0) return 0;
  if (!(facts.stx_mask & STATX_BTIME)) return 0;
  return facts.stx_btime.tv_sec * 1000000000LL + facts.stx_btime.tv_nsec;
#else
  struct stat facts;
  if (stat(path, &facts) != 0) return 0;
  return (long long)facts.st_birthtimespec.tv_sec * 1000000000LL + facts.st_birthtimespec.tv_nsec;
#endif
}

int memoryd_nameless_file(void) {
#ifdef __linux__
  return memfd_create("memoryd-input", 0);
#else
  char name[] = "/tmp/memoryd-input-XXXXXX";
  int descriptor = mkstemp(name);
  if (descriptor >= 0) unlink(name);
  return descriptor;
#endif
}
