#!/bin/sh
# jfilter decontaminate: usage: tests/bench/decon.sh FILE.jsonl SET...
# CPU time of reading the sets, and per document and byte of the scan, on one core; then what the run
# measured of itself.
bin=${J_BIN:-bin}
[ $# -ge 2 ] || { echo "usage: decon.sh FILE.jsonl SET..." >&2; exit 0; }
in=$1
shift
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
head -n 1 "$in" >"$tmp/one"
cpu() { # FILE OPTIONS...
	"$bin/jfilter" decontaminate -j 1 -o "$tmp/out" "$@" 2>"$tmp/err" || { cat "$tmp/err" >&2; exit 1; }
	sed -n 's/.* \([0-9.]*\)s CPU.*/\1/p' "$tmp/err"
}
sets=$(cpu --inject 0 "$tmp/one" --against "$@")
all=$(cpu --inject 0 "$in" --against "$@")
echo "$sets $all $(wc -l <"$in") $(wc -c <"$in")" | awk '{
	printf "sets %.2f s, records %.2f s: %.1f us a document, %.1f MB/s\n", $1, $2 - $1,
		($2 - $1) / $3 * 1e6, $4 / ($2 - $1) / 1e6 }'
cpu --inject 1000 "$in" --against "$@" >/dev/null
grep -v ' in, ' "$tmp/err"
