#!/bin/sh
# libFuzzer on the transcript reader. New findings go to .build-fuzz/corpus; copy what is worth
# keeping, small, to Tests/CheckpointsTests/Corpus.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-600}
export MEMORYD_FUZZ=1
swift build --scratch-path .build-fuzz --product fuzz-transcript
mkdir -p .build-fuzz/corpus .build-fuzz/artifacts
cp Tests/CheckpointsTests/Corpus/* .build-fuzz/corpus/ 2>/dev/null || true
exec .build-fuzz/debug/fuzz-transcript -max_total_time="$seconds" -timeout=20 -max_len=16384 \
  -rss_limit_mb=4096 -dict=Tests/FuzzTranscript/transcript.dict -artifact_prefix=.build-fuzz/artifacts/ .build-fuzz/corpus
