#!/bin/sh
# The line rules of C4 here and in datatrove, in turns, in bytes per second of processor time:
# usage: tests/bench/rules.sh [FILE.jsonl]      J_PEER_PYTHON: a Python with datatrove
# Without a file, 3000 pages of lines of several kinds are made up.
bin=${J_BIN:-bin}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
in=$1
if [ -z "$in" ]; then
	in=$tmp/pages.jsonl
	awk 'BEGIN {
		srand(1)
		for (i = 0; i < 3000; i++) {
			printf "{\"id\":\"p%d\",\"text\":\"", i
			for (l = 0; l < 60; l++) {
				for (k = 0; k < 3 + 14 * rand(); k++)
					printf "%sword%d", k ? " " : "", int(exp(rand() * 9))
				printf "%s\\n", rand() < .7 ? "." : ""
			}
			print "\"}"
		}
	}' >"$in"
fi
bytes=$(wc -c <"$in")
cat "$in" >/dev/null
ours() {
	"$bin/jfilter" -j 1 --rules c4-paper --rules code=c4-paper "$in" 2>&1 >/dev/null |
		sed -n 's/.* \([0-9.]*\)s CPU.*/\1/p' | tail -n 1
}
peer() {
	"$J_PEER_PYTHON" - "$in" <<'END'
import json, sys, time
from datatrove.data import Document
from datatrove.pipeline.filters.c4_filters import C4QualityFilter
start = time.process_time()
rules = C4QualityFilter(min_num_sentences=-1)	# sentences need a model that may not be here
for line in open(sys.argv[1]):
    page = Document(text=json.loads(line)["text"], id="")
    if rules.filter(page) is True:
        json.dumps({"text": page.text})
print(f"{time.process_time() - start:.2f}")
END
}
for _ in 1 2 3; do
	o=$(ours)
	p=
	[ -z "$J_PEER_PYTHON" ] || p=$(peer 2>"$tmp/err") || { tail -n 1 "$tmp/err"; p=; }
	echo "$o" "$p"
done | awk -v bytes="$bytes" '
	{ if (!best || $1 < best) best = $1; if (NF > 1 && (!other || $2 < other)) other = $2 }
	END {
		printf "c4 lines, ours       %7.1f MB/s\n", bytes / (best > 0 ? best : 0.01) / 1e6
		if (other)
			printf "c4 lines, datatrove  %7.1f MB/s   ratio %.1f\n", bytes / other / 1e6, other / best
		else
			print "no datatrove in J_PEER_PYTHON: it is not measured"
	}'
