#!/bin/sh
# What neither swift format nor the compiler checks. Who may import whom is Package.swift's: an
# import that a target does not declare may still compile, so it is looked for here.
set -eu
cd "$(dirname "$0")/.."
status=0

# Loading Foundation takes longer than all that the front does; redaction imports nothing at all.
forbid() {
  if found=$(grep -rnE "import ($2)\b" "Sources/$1" --include='*.swift'); then
    echo "$1 must not import these:"
    echo "$found"
    status=1
  fi
}
forbid MemoryStore/Redaction '[A-Za-z]+'
forbid MemoryStore/Syntax 'Foundation'
forbid memoryd/IPC 'Foundation|Core|MemoryStore|Continuity'
forbid memoryd/Front 'Foundation|Core|MemoryStore|Continuity'

# An undeclared import of a target that another dependency brings along compiles.
if ! scripts/floors.py; then status=1; fi

# The program brings the texts of the skills.
if ! scripts/skills.sh --check; then status=1; fi

# The front is released as Embedded Swift, which allows less than what the tests compile. Only what
# changed is compiled again.
if ! said=$(scripts/front.sh debug 2>&1); then
  echo "$said"
  status=1
fi

# Calls that have a better place: exits belong to main, time to WallClock.
if found=$(grep -rnE 'try!|fatalError\(|[^_]exit\(|Date\(\)' Sources --include='*.swift'); then
  echo "calls that libraries must not make:"
  echo "$found"
  status=1
fi
exit $status
