// What Swift's module `Glibc` gives, for Embedded Swift, which has no such module on Linux: so that
// the same source compiles in both. Only the front's embedded build knows this target.
//
// The C library's own headers come first. Below them stands what Swift cannot read there: macros
// that are expressions, functions whose arguments vary in number.
#ifndef MEMORYD_GLIBC_H
#define MEMORYD_GLIBC_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#pragma clang assume_nonnull begin

#define MEMORYD_SWIFT(name) __attribute__((swift_name(name))) static inline

MEMORYD_SWIFT("getter:errno()") int memoryd_errno(void) { return errno; }

MEMORYD_SWIFT("setter:errno(_:)") void memoryd_set_errno(int value) { errno = value; }

MEMORYD_SWIFT("getter:environ()") char *_Nullable *_Nonnull memoryd_environ(void) {
  return __environ;
}

typedef void (*memoryd_handler)(int);

MEMORYD_SWIFT("getter:SIG_IGN()") memoryd_handler memoryd_sig_ign(void) { return SIG_IGN; }

MEMORYD_SWIFT("fcntl(_:_:)") int memoryd_fcntl(int descriptor, int command) {
  return fcntl(descriptor, command);
}

MEMORYD_SWIFT("fcntl(_:_:_:)") int memoryd_fcntl_value(int descriptor, int command, int value) {
  return fcntl(descriptor, command, value);
}

MEMORYD_SWIFT("open(_:_:)") int memoryd_open(const char *path, int flags) {
  return open(path, flags);
}

MEMORYD_SWIFT("open(_:_:_:)") int memoryd_open_mode(const char *path, int flags, mode_t mode) {
  return open(path, flags, mode);
}

MEMORYD_SWIFT("openat(_:_:_:)") int memoryd_openat(int folder, const char *path, int flags) {
  return openat(folder, path, flags);
}

MEMORYD_SWIFT("openat(_:_:_:_:)")
int memoryd_openat_mode(int folder, const char *path, int flags, mode_t mode) {
  return openat(folder, path, flags, mode);
}

// What the process was started with.
struct memoryd_command_line {
  char unused;
} __attribute__((swift_name("CommandLine")));

extern int memoryd_argc;
extern char *_Nullable *_Nonnull memoryd_argv;

MEMORYD_SWIFT("getter:CommandLine.argc()") int memoryd_command_line_argc(void) {
  return memoryd_argc;
}

MEMORYD_SWIFT("getter:CommandLine.unsafeArgv()")
char *_Nullable *_Nonnull memoryd_command_line_argv(void) {
  return memoryd_argv;
}

// The kinds of files, in the type of `st_mode`.
#undef S_IFMT
#undef S_IFREG
#undef S_IFDIR
#undef S_IFLNK
#undef S_IFSOCK
static const mode_t S_IFMT = 0170000;
static const mode_t S_IFSOCK = 0140000;
static const mode_t S_IFLNK = 0120000;
static const mode_t S_IFREG = 0100000;
static const mode_t S_IFDIR = 0040000;

#pragma clang assume_nonnull end

#endif
