#!/bin/sh
# Builds the front as Embedded Swift, which has no runtime: a tenth of the size, and it starts at
# once (docs/decisions/0027-embedded-front.md).
#   front.sh debug            compiles and links it: says whether it still can be built that way
#   front.sh release [FLAG…]  puts it at .build/release/memoryd; where the toolchain has no embedded
#                             libraries for the system, it is built with these flags like the engine
# STATIC=yes links the C library in.
set -eu
cd "$(dirname "$0")/.."
configuration=$1
shift
swift=${SWIFT:-swift}

# "VERSION FOLDER" of the toolchain's embedded libraries for this system; macOS is not asked.
found="0 "
if [ "$(uname -s)" = Linux ]; then
  found=$($swift -print-target-info | python3 -c '
import json, re, sys
about = json.load(sys.stdin)
version = re.search(r"version (\d+)\.(\d+)", about["compilerVersion"])
print("%d%02d" % (int(version[1]), int(version[2])),
      about["paths"]["runtimeResourcePath"] + "/embedded/" + about["target"]["unversionedTriple"])')
fi
libraries=${found#* }
if [ "${found%% *}" -lt 603 ] || [ ! -f "$libraries/libswiftUnicodeDataTables.a" ]; then
  if [ -n "$libraries" ]; then
    echo "front: this toolchain has no Embedded Swift for this system, so it is built like the engine" >&2
  fi
  [ "$configuration" = release ] || exit 0
  exec $swift build -c release --product memoryd "$@"
fi

# Without a dependency SwiftPM would delete the file that pins the engine's.
set -- --only-use-versions-from-resolved-file --scratch-path .build/front --product memoryd \
  -Xlinker "-L$libraries"
export MEMORYD_FRONT=embedded
if [ "$configuration" = debug ]; then exec $swift build "$@"; fi
address=-no-pie
if [ "${STATIC:-no}" = yes ]; then address=-static; fi
$swift build -c release "$@" -Xlinker --gc-sections -Xlinker -s \
  -Xswiftc -Xclang-linker -Xswiftc $address
# As SwiftPM lays it out, if the engine was not built before.
if [ ! -e .build/release ]; then
  mkdir -p ".build/${libraries##*/}/release"
  ln -s "${libraries##*/}/release" .build/release
fi
install -m 755 .build/front/release/memoryd .build/release/memoryd
