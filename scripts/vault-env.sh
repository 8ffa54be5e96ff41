#!/bin/sh
# Makes .build/vault-env, the Python environment of the vault that the tests run against, or another one:
# scripts/vault-env.sh [NAME REQUIREMENTS]
set -eu

cd "$(dirname "$0")/.."
name=${1:-vault-env}
requirements=${2:-Tests/Vault/requirements.txt}
environment=.build/$name
stamp=$environment/stamp
lock=.build/$name.lock
log=.build/$name.log

fail() {
  echo "vault-env: $1" >&2
  exit 1
}

command -v python3 >/dev/null 2>&1 || fail "python3 is missing: run scripts/install-deps.sh"
# Another Python, or other packages: another environment. The SDK needs 3.10.
wanted=$(python3 -c '
import hashlib, sys
if sys.version_info < (3, 10): sys.exit(1)
print(sys.version.split()[0], hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())
' "$requirements") || fail "Python 3.10 or newer is needed: put one first on the PATH as python3"

is_current() { [ -x "$environment/bin/python" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; }
if is_current; then exit 0; fi

# Two runs at once: the second waits and finds the work done. The lock dies with its process where
# there is flock; elsewhere (macOS) it holds the id of the process, to see whether that still runs.
mkdir -p .build
if command -v flock >/dev/null 2>&1; then
  exec 9>"$lock"
  flock -w 600 9 || fail "another run holds $lock for ten minutes: end it, and try again"
else
  waited=0
  until mkdir "$lock.d" 2>/dev/null; do
    owner=$(cat "$lock.d/pid" 2>/dev/null || true)
    if [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null; then rm -rf "$lock.d"; fi
    waited=$((waited + 1))
    [ "$waited" -lt 600 ] || fail "another run holds $lock.d for ten minutes: delete it, and try again"
    sleep 1
  done
  trap 'rm -rf "$lock.d"' EXIT
  trap 'exit 1' HUP INT TERM
  echo $$ >"$lock.d/pid"
fi
if is_current; then exit 0; fi

echo "setting up $environment (Python packages for the tests, once)"
make_environment() {
  rm -rf "$environment"
  python3 -m venv "$environment" >>"$log" 2>&1
}
: >"$log"
if ! make_environment; then
  # Debian ships what venv needs apart from python3.
  command -v apt-get >/dev/null 2>&1 || fail "python3 -m venv fails: see $log"
  sudo=""
  [ "$(id -u)" = 0 ] || sudo="sudo"
  export DEBIAN_FRONTEND=noninteractive
  $sudo apt-get install -y -qq python3-venv >>"$log" 2>&1 || {
    $sudo apt-get update -qq >>"$log" 2>&1 &&
      $sudo apt-get install -y -qq python3-venv >>"$log" 2>&1
  } || fail "python3-venv cannot be installed: do it by hand, or see $log"
  make_environment || fail "python3 -m venv fails: see $log"
fi
for pause in 2 5 0; do
  if "$environment/bin/python" -m pip install --quiet --disable-pip-version-check \
    -r "$requirements" >>"$log" 2>&1; then
    echo "$wanted" >"$stamp"
    exit 0
  fi
  sleep "$pause"
done
tail -n 3 "$log" >&2
fail "the packages cannot be installed: check the way to the package index, and try again ($log)"
