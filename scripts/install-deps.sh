#!/bin/sh
# Installs the system packages that memoryd builds with, and only those that are missing; arguments
# name commands that are wanted too, each from the package of its name.
set -eu

have() { pkg-config --exists "$1" 2>/dev/null || [ -f "$2" ]; }

if ! command -v swift >/dev/null 2>&1; then
  echo "memoryd needs a Swift 6.1 toolchain or newer: see swift.org/install" >&2
  exit 1
fi

case "$(uname -s)" in
  Linux)
    missing=""
    have sqlite3 /usr/include/sqlite3.h || missing="$missing libsqlite3-dev"
    have libcmark /usr/include/cmark.h || missing="$missing libcmark-dev"
    have libzstd /usr/include/zstd.h || missing="$missing libzstd-dev"
    command -v git >/dev/null 2>&1 || missing="$missing git"
    command -v sqlite3 >/dev/null 2>&1 || missing="$missing sqlite3"
    command -v python3 >/dev/null 2>&1 || missing="$missing python3"
    for tool in "$@"; do
      command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
    done
    [ -n "$missing" ] || exit 0
    if ! command -v apt-get >/dev/null 2>&1; then
      echo "please install:$missing (or your system's packages of that kind)" >&2
      exit 1
    fi
    sudo=""
    [ "$(id -u)" = 0 ] || sudo="sudo"
    echo "installing:$missing"
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086  # a list of words on purpose
    $sudo apt-get install -y -qq $missing >/dev/null 2>&1 || {
      $sudo apt-get update -qq
      $sudo apt-get install -y -qq $missing >/dev/null
    }
    ;;
  Darwin)
    # SQLite comes with the system's SDK.
    command -v brew >/dev/null 2>&1 || { echo "please install Homebrew: brew.sh" >&2; exit 1; }
    brew list cmark >/dev/null 2>&1 || brew install cmark
    brew list zstd >/dev/null 2>&1 || brew install zstd
    ;;
  *)
    echo "memoryd builds on Linux and macOS" >&2
    exit 1
    ;;
esac
