#!/bin/sh
# jfilter dedup against brute force over all pairs: usage: tests/bench/dedup_exact.sh FILE.jsonl
# Prints recall (pairs at or above the threshold of which one went), precision (removals whose
# similarity to a kept twin is as told and at least the threshold), and whether exactly what brute
# force removes was removed.  5000 documents take some minutes.
bin=${J_BIN:-bin}
[ $# -eq 1 ] || { echo "usage: dedup_exact.sh FILE.jsonl" >&2; exit 0; }
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
"$bin/jfilter" dedup -q --threshold 1 --index "$tmp/index" "$1" >/dev/null
for t in ${THRESHOLDS:-0.5 0.8 0.9}; do
	"$bin/jfilter" dedup -q --threshold "$t" --rejects "$tmp/gone" -o "$tmp/kept" "$1"
	python3 "$(dirname "$0")/../ref/check_dedup.py" pairs "$t" "$tmp/index" "$1" "$tmp/kept" "$tmp/gone" || exit 1
done
