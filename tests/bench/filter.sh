#!/bin/sh
# Throughput of jfilter on one core: usage: tests/bench/filter.sh [FILE.jsonl]
# Without a file, 2000 pages of words with the frequencies of a natural text are made up.
bin=${J_BIN:-bin}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
in=$1
if [ -z "$in" ]; then
	in=$tmp/pages.jsonl
	awk 'BEGIN {
		srand(1)
		for (i = 0; i < 2000; i++) {
			printf "{\"id\":\"p%d\",\"text\":\"", i
			for (k = 0; k < 2500; k++) {
				r = rand()
				printf "%s%s", k % 14 == 13 ? ".\\n" : k ? " " : "", r < .4 ? \
					substr("the of and to in is that for it as ", 1 + 3 * int(rand() * 10), 3) : \
					"w" int(exp(rand() * 9))
			}
			print "\"}"
		}
	}' >"$in"
fi
bytes=$(wc -c <"$in")
cat "$in" >/dev/null
rate() { # NAME COMMAND...
	name=$1
	shift
	start=$(date +%s.%N)
	"$@" "$in" >/dev/null 2>"$tmp/err" || { cat "$tmp/err"; exit 1; }
	end=$(date +%s.%N)
	echo "$name $start $end $bytes" | awk '{ printf "%-10s %6.1f MB/s\n", $1, $4 / ($3 - $2) / 1e6 }'
}
rate docs "$bin/jfilter" -j 1
rate gopher "$bin/jfilter" -j 1 --rules gopher
rate signals "$bin/jfilter" signals -j 1
rate dedup "$bin/jfilter" dedup -j 1
