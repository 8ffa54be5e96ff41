#ifndef MEMORYD_CCMARK_SHIM_H
#define MEMORYD_CCMARK_SHIM_H

#include <cmark.h>

#endif
