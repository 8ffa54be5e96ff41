#!/bin/sh
# Makes .build/vault-env, the Python environment of the vault that the tests run against.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
requirements="$root/Tests/Vault/requirements.txt"
environment="$root/.build/vault-env"
stamp="$environment/stamp"
mkdir -p "$root/.build"

current() { [ -f "$stamp" ] && cmp -s "$stamp" "$requirements" && [ -x "$environment/bin/python" ]; }

# Two runs at once: the second waits and finds the work done.
exec 9>"$root/.build/vault-env.lock"
if command -v flock >/dev/null 2>&1; then flock 9; fi
if current; then exit 0; fi

echo "setting up the test vault (Python, once)"
rm -rf "$environment"
if ! python3 -m venv "$environment" >/dev/null 2>&1; then
  # Debian ships venv's pip apart from python3.
  rm -rf "$environment"
  sudo=""
  [ "$(id -u)" = 0 ] || sudo="sudo"
  export DEBIAN_FRONTEND=noninteractive
  $sudo apt-get install -y -qq python3-venv >/dev/null 2>&1 || {
    $sudo apt-get update -qq
    $sudo apt-get install -y -qq python3-venv >/dev/null
  }
  python3 -m venv "$environment"
fi
for try in 1 2 3; do
  if "$environment/bin/python" -m pip install --quiet --disable-pip-version-check \
    -r "$requirements" >"$root/.build/vault-env.log" 2>&1; then
    cp "$requirements" "$stamp"
    exit 0
  fi
  sleep "$try"
done
echo "the test vault's Python packages cannot be installed; see .build/vault-env.log" >&2
tail -n 3 "$root/.build/vault-env.log" >&2
exit 1
