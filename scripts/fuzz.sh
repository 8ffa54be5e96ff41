#!/bin/sh
# libFuzzer on what reads others' bytes: fuzz.sh TARGET SECONDS. New findings go to
# .build-fuzz/TARGET; copy what is worth keeping, small, to where the target's tests are.
set -eu
cd "$(dirname "$0")/.."
target=${1:-transcript}
seconds=${2:-600}
case "$target" in
  transcript) folder=Tests/FuzzTranscript; seeds=Tests/CheckpointsTests/Corpus ;;
  handoff) folder=Tests/FuzzHandoff; seeds=Tests/FuzzHandoff/Seeds ;;
  *) echo "fuzz.sh: there is no target $target: transcript, handoff" >&2; exit 64 ;;
esac
export MEMORYD_FUZZ=1
swift build --scratch-path .build-fuzz --product "fuzz-$target"
corpus=".build-fuzz/$target/corpus"
mkdir -p "$corpus" ".build-fuzz/$target/artifacts"
cp "$seeds"/* "$corpus/" 2>/dev/null || true
exec ".build-fuzz/debug/fuzz-$target" -max_total_time="$seconds" -timeout=20 -max_len=16384 \
  -rss_limit_mb=4096 -dict="$folder/$target.dict" \
  -artifact_prefix=".build-fuzz/$target/artifacts/" "$corpus"
