#!/bin/sh
# Puts the texts of skills/ into the program, which writes them for agents that have no plugin:
# scripts/skills.sh writes Sources/…/SkillTexts.swift, scripts/skills.sh --check tells whether it is
# as it would be written.
set -eu
cd "$(dirname "$0")/.."
file=Sources/memoryd/CommandLineInterface/Install/SkillTexts.swift

text() {
  echo '// Written by scripts/skills.sh from skills/. Change those, and run it again.'
  echo '// swift-format-ignore-file'
  echo
  echo 'enum SkillTexts {'
  echo '  /// The files of `skills/`, in the order of their names.'
  echo '  static let all = ['
  for skill in skills/*/SKILL.md; do
    echo '    ##"""'
    sed -e 's/^\(.\)/    \1/' "$skill"
    echo
    echo '    """##,'
  done
  echo '  ]'
  echo '}'
}

if [ "${1:-}" = --check ]; then
  text | cmp -s - "$file" || { echo "$file: run scripts/skills.sh" >&2; exit 1; }
else
  text > "$file"
fi
