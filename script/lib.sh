# What the scripts share. Sourced, never run: it moves to the top of the tree and defines say, die
# and the folder that downloads are kept in.
# shellcheck shell=bash disable=SC2034 # the scripts that source it use the variables

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit

agnes_cache="${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/agnes"
jobs="$(nproc)"
readonly agnes_cache jobs

# One line for the human, off standard output so that a script's result stays clean.
say() {
	printf '%s\n' "$*" >&2
}

die() {
	say "${0##*/}: $*"
	exit 1
}
