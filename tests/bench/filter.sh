#!/bin/sh
# Throughput of jfilter on one core, in bytes read per second of processor time, so that a busy machine
# does not count: usage: tests/bench/filter.sh [FILE.jsonl]
# Without a file, 2000 pages of words with the frequencies of a natural text are made up.
# With J_PEER_PYTHON (fastText installed) and J_TEST_SHARED, fastText's language identification beside ours.
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
# The best of three: the summary line of each run has its processor time.
rate() { # NAME COMMAND...
	name=$1
	shift
	for run in 1 2 3; do
		"$@" "$in" >/dev/null 2>"$tmp/err" || { cat "$tmp/err"; exit 1; }
		sed -n 's/.* \([0-9.]*\)s CPU.*/\1/p' "$tmp/err" | tail -n 1
	done | sort -n | awk -v name="$name" -v bytes="$bytes" '
		NR == 1 { printf "%-16s %7.1f MB/s\n", name, bytes / ($1 > 0 ? $1 : 0.01) / 1e6 }'
}
rate pass-through "$bin/jfilter" -j 1 --rules none --rules code=none
rate web "$bin/jfilter" -j 1 --rules web
rate docs "$bin/jfilter" -j 1
rate gopher "$bin/jfilter" -j 1 --rules gopher
rate "pii mask" "$bin/jfilter" -j 1 --rules none --pii mask
rate "all signals" "$bin/jfilter" signals -j 1
rate dedup "$bin/jfilter" dedup -j 1
model=${J_TEST_SHARED:-../shared}/models/fasttext-lid176/lid.176.ftz
rate "lang built in" "$bin/jfilter" signals -j 1 --only lang_score
[ -f "$model" ] || exit 0
rate "lang lid.176" "$bin/jfilter" signals -j 1 --only lang_score --lang-model "$model"
[ -n "$J_PEER_PYTHON" ] && "$J_PEER_PYTHON" - "$model" "$in" <<'END'
import json, sys, time
try:
    import fasttext_pybind
except ImportError:
    sys.exit("no fasttext_pybind: fastText is not measured")
m = fasttext_pybind.fasttext()
m.loadModel(sys.argv[1])
text = [json.loads(line)["text"].replace("\n", " ")[:6144] for line in open(sys.argv[2])]
start = time.process_time()
for t in text:
    m.predict(t + "\n", 1, 0.0, "strict")
spent = time.process_time() - start
print("%-16s %7.1f MB/s" % ("fastText's own", len(open(sys.argv[2], "rb").read()) / spent / 1e6))
END
exit 0
