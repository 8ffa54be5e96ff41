#include "Glibc.h"

#include <sys/random.h>

int memoryd_argc;
char **memoryd_argv;

// The C library hands constructors what it hands to main.
__attribute__((constructor)) static void keep(int argc, char **argv) {
  memoryd_argc = argc;
  memoryd_argv = argv;
}

// What the standard library calls to read a `Double`. The front sets no locale, so this is C's.
const char *_swift_stdlib_strtod_clocale(const char *text, double *result) {
  char *end;
  *result = strtod(text, &end);
  return end;
}

#if !__GLIBC_PREREQ(2, 36)
// What the standard library calls for random bytes; older C libraries have no such function.
void arc4random_buf(void *buffer, size_t count) {
  char *next = buffer;
  while (count > 0) {
    ssize_t got = getrandom(next, count, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) abort();
    next += got;
    count -= (size_t)got;
  }
}
#endif
