#!/usr/bin/env bash
# The build itself: whole, and after one file was touched. Without ccache, as on a machine that has none.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
duckdb="$(script/duckdb)"

seconds() {
	local begun=$EPOCHREALTIME
	"$@" >"$folder/log" 2>&1 || { cat "$folder/log" >&2; exit 1; }
	awk -v a="$begun" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }'
}

report() {
	printf '%s\t%s s\t-\t-\t<= %s s\t%s\n' "$1" "$2" "$3" \
		"$(awk -v a="$2" -v b="$3" 'BEGIN { print a <= b ? "ok" : "short" }')"
}

CC=gcc meson setup "$folder/build" -Dduckdb="$duckdb" >/dev/null
report 'build: everything, from nothing' "$(seconds ninja -C "$folder/build")" 90
touch src/state/users.c
report 'build: after one file' "$(seconds ninja -C "$folder/build")" 5
