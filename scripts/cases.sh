#!/bin/sh
# Runs each case of ../shared/cases (CASES names another folder) against a memoryd:
#   cases.sh [--daemon] MEMORYD [NAME…]
# A case's run.sh exits 0 where memoryd is right; what it saw is shown where it is not. With --daemon
# a daemon runs beside each home that a case uses.
set -u
daemon=no
if [ "$1" = --daemon ]; then
  daemon=yes
  shift
fi
memoryd=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
shift
cases=${CASES:-$(dirname "$0")/../../shared/cases}
if [ ! -d "$cases" ]; then
  echo "cases: $cases is not there, nothing to do"
  exit 0
fi

# Stands in for memoryd: lets the first call in a home start its daemon, which the runner ends.
work=$(mktemp -d)
trap 'stop_daemons; rm -rf "$work"' EXIT
cat >"$work/memoryd" <<WRAPPER
#!/bin/sh
unset MEMORYD_NO_DAEMON
key=\$(printf '%s\n' "\${MEMORYD_HOME-}" "\${HOME-}" "\${XDG_RUNTIME_DIR-}" | cksum | tr -d ' ')
if [ "\${1-}" != serve ] && mkdir "$work/\$key" 2>/dev/null; then
  "$memoryd" serve >"$work/\$key/said" 2>&1 </dev/null &
  echo \$! >"$work/\$key/pid"
  tries=0
  until [ -s "$work/\$key/said" ] || [ \$tries -ge 100 ]; do
    tries=\$((tries + 1))
    sleep 0.05
  done
fi
exec "$memoryd" "\$@"
WRAPPER
chmod 755 "$work" "$work/memoryd"

stop_daemons() {
  for pid in "$work"/*/pid; do
    [ -f "$pid" ] || continue
    kill "$(cat "$pid")" 2>/dev/null
    rm -rf "$(dirname "$pid")"
  done
}

called=$memoryd
[ $daemon = yes ] && called=$work/memoryd
good=0
bad=0
for case in "$cases"/*/run.sh; do
  name=$(basename "$(dirname "$case")")
  if [ $# -gt 0 ]; then
    wanted=no
    for part in "$@"; do case "$name" in "$part"*) wanted=yes ;; esac; done
    [ $wanted = yes ] || continue
  fi
  if said=$(bash "$case" "$called" 2>&1 </dev/null); then
    good=$((good + 1))
  else
    bad=$((bad + 1))
    echo "WRONG $name: $(printf %s "$said" | tail -n 3)"
  fi
  stop_daemons
done
with=without
[ $daemon = yes ] && with=with
echo "$good right, $bad wrong, $with a daemon"
[ $bad -eq 0 ]
