#!/bin/sh
# Prints the folder in which tests keep their files: in memory where there is room and programs may be
# run, as each of thousands of writes waits for the disk otherwise. What a test can see of a sync is
# the same there.
folder=/dev/shm
free=$(df -Pk "$folder" 2>/dev/null | awk 'NR == 2 { print $4 }')
if [ "${free:-0}" -gt 4000000 ]; then
  probe=$(mktemp "$folder/memoryd-probe-XXXXXX" 2>/dev/null) || probe=
  if [ -n "$probe" ]; then
    printf '#!/bin/sh\nexit 0\n' >"$probe"
    chmod +x "$probe"
    if "$probe" 2>/dev/null; then
      rm -f "$probe"
      echo "$folder"
      exit 0
    fi
    rm -f "$probe"
  fi
fi
echo "${TMPDIR:-/tmp}"
