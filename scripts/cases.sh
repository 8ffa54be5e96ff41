#!/bin/sh
# Runs each case of ../shared/cases (CASES names another folder) against a memoryd: cases.sh MEMORYD
# [NAME…]. A case's run.sh exits 0 where memoryd is right; what it saw is shown where it is not.
set -u
memoryd=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
shift
cases=${CASES:-$(dirname "$0")/../../shared/cases}
if [ ! -d "$cases" ]; then
  echo "cases: $cases is not there, nothing to do"
  exit 0
fi
good=0
bad=0
for case in "$cases"/*/run.sh; do
  name=$(basename "$(dirname "$case")")
  if [ $# -gt 0 ]; then
    wanted=no
    for part in "$@"; do case "$name" in "$part"*) wanted=yes ;; esac; done
    [ $wanted = yes ] || continue
  fi
  if said=$(bash "$case" "$memoryd" 2>&1 </dev/null); then
    good=$((good + 1))
  else
    bad=$((bad + 1))
    echo "WRONG $name: $(printf %s "$said" | tail -n 3)"
  fi
done
echo "$good right, $bad wrong"
[ $bad -eq 0 ]
