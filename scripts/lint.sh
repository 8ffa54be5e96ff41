#!/bin/sh
# What swift format does not check.
set -eu
cd "$(dirname "$0")/.."
status=0

# Layers: who may import whom (ARCHITECTURE.md).
forbid() {
  if found=$(grep -rnE "import ($2)\b" "Sources/$1" --include='*.swift'); then
    echo "a layer is broken: $1 must not import these"
    echo "$found"
    status=1
  fi
}
forbid MemoryStore 'Checkpoints|Canary|Fallback|Engine|ArgumentParser'
forbid Checkpoints 'Canary|Fallback|Engine|ArgumentParser|GRDB'
forbid Canary 'MemoryStore|Checkpoints|Fallback|Engine|GRDB'
forbid Fallback 'Checkpoints|Engine|ArgumentParser|GRDB'
# Loading Foundation takes longer than all that the front does.
forbid memoryd/Relay 'Foundation|Engine|MemoryStore'
forbid memoryd/Front 'Foundation|Engine|MemoryStore'

# Calls that have a better place: exits belong to main, time to WallClock.
if found=$(grep -rnE 'try!|fatalError\(|[^_]exit\(|Date\(\)' Sources --include='*.swift'); then
  echo "calls that libraries must not make:"
  echo "$found"
  status=1
fi
exit $status
