#!/bin/sh
# jfilter dedup over many records in little memory: usage: tests/bench/dedup_memory.sh [N [MEMORY]]
# N records (5 million) of lengths spread from 10 to 400 words, a tenth of them copies with a word
# changed, are made up in J_WORK (about 0.6 GB a million) and deduplicated with -M MEMORY (512M).
bin=${J_BIN:-bin}
n=${1:-5000000}
memory=${2:-512M}
tmp=$(mktemp -d "${J_WORK:-/tmp}/dedup.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM
awk -v n="$n" 'BEGIN {
	srand(5)
	for (i = 0; i < 50000; i++) {
		s = "w" int(rand() * 90000)
		for (k = 1; k < 9; k++)
			s = s " w" int(rand() * 90000)
		pool[i] = s
	}
	for (i = 0; i < n; i++) {
		if (i % 10) {
			text = "r" i
			length_ = 1 + int(exp(rand() * 3.7))
			for (k = 0; k < length_; k++)
				text = text " " pool[int(rand() * 50000)] (k % 8 ? "" : " u" i k)
		}
		printf "{\"id\":\"%d\",\"text\":\"%s\"}\n", i, text (i % 10 ? "" : " changed")
	}
}' >"$tmp/in.jsonl"
ls -l "$tmp/in.jsonl" | awk '{ printf "%.2f GB of records\n", $5 / 1e9 }'
J_WORK=$tmp "$bin/jfilter" dedup -j "${J:-2}" -M "$memory" "$tmp/in.jsonl" >/dev/null
