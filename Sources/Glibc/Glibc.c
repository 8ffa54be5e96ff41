#include "Glibc.h"

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
