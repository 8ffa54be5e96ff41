#!/bin/sh
# The main job on a sample session: a compaction, and what the session gets back.
set -eu
memoryd=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export MEMORYD_HOME="$work/home" MEMORYD_FALLBACK_DIR="$work/fallback"
transcript="$work/sample-session.jsonl"
cp examples/sample-session.jsonl "$transcript"

# The JSON that Claude Code gives its hooks.
hook() {
  printf '{"session_id":"sample-session","transcript_path":"%s","cwd":"%s","hook_event_name":"%s"%s}' \
    "$transcript" "$PWD" "$1" "$2"
}

echo "== 1. The session is about to be compacted: PreCompact calls \`memoryd checkpoint\`"
hook PreCompact ',"trigger":"auto","custom_instructions":""' | "$memoryd" checkpoint
"$memoryd" checkpoint list

echo
echo "== 2. Claude Code compacts: the conversation becomes a short summary"
cat examples/sample-compaction.jsonl >>"$transcript"

echo
echo "== 3. SessionStart calls \`memoryd canary\`, and this goes into the compacted session's context"
hook SessionStart ',"source":"compact"' | "$memoryd" canary |
  python3 -c 'import json, sys; print(json.load(sys.stdin)["hookSpecificOutput"]["additionalContext"])'

echo "== 4. And everything can be found again: \`memoryd search \"retry after\" --limit 3\`"
"$memoryd" search "retry after" --limit 3
echo
"$memoryd" status
