#ifndef MEMORYD_CZSTD_SHIM_H
#define MEMORYD_CZSTD_SHIM_H

#include <zstd.h>

#endif
