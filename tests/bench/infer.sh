#!/bin/sh
# Generation: jgen beside llama.cpp on the same GGUF files, in turns, so that a change of the machine's
# speed hits both.  Prints a line per run, the ratios, and our share of the memory's speed.
#
#	infer.sh FILE.gguf...
#
#	J_PEER_PYTHON	a Python with llama-cpp-python (without it only jgen is measured)
#	J_BIN		folder of the programs, default bin
#	ROUNDS		runs of each, default 3
#	THREADS		default 2
#
# Files of random weights in the shapes that RESULTS.md names come from the shared peer script mk_gguf.py.
set -eu
here=$(dirname "$0")
bin=${J_BIN:-$here/../../bin}
threads=${THREADS:-2}
prompt=512 n=64
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ $# -gt 0 ] || { sed -n 's/^#	infer.sh/usage: infer.sh/p' "$0" >&2; exit 2; }

ours() {
	"$bin/jgen" bench -m "$1" -j "$threads" --prompt-tokens $prompt -n $n --rounds 2 --json -q |
		tr ',{}' '\n\n\n' | sed -n 's/"\(.*\)":\(.*\)/\1 \2/p' |
		awk '{ v[$1] = $2 } END { printf "%.1f %.1f %.1f %.0f\n", v["prompt_tokens_per_s"],
			v["decode_tokens_per_s"], v["batch_tokens_per_s"], 100 * v["roof_share"] }'
}

peer() {
	"$J_PEER_PYTHON" "$here/infer_llama.py" "$1" "$threads" $prompt $n 2>/dev/null ||
		LLAMA_PLAIN_BUFFERS=1 "$J_PEER_PYTHON" "$here/infer_llama.py" "$1" "$threads" $prompt $n \
			2>/dev/null || echo 0 0
}

for f; do
	name=$(basename "$f" .gguf)
	: >"$work/a"
	: >"$work/b"
	i=0
	while [ $i -lt "${ROUNDS:-3}" ]; do
		i=$((i + 1))
		ours "$f" | tee -a "$work/a" |
			sed "s/^/$name jgen: prompt, decode, 8 at once tokens\/s, % of bandwidth: /"
		[ -z "${J_PEER_PYTHON:-}" ] || peer "$f" | tee -a "$work/b" |
			sed "s/^/$name llama.cpp: prompt, decode tokens\/s: /"
	done
	awk -v name="$name" '
	FNR == NR { if ($1 > p) p = $1; if ($2 > d) { d = $2; roof = $4 }; if ($3 > m) m = $3; next }
	{ if ($1 > q) q = $1; if ($2 > e) e = $2 }
	END {
		printf "%s: best decode %.1f tokens/s (%d%% of bandwidth), 8 at once %.1f (%.1fx)", name, d,
			roof, m, m / d
		if (e > 0)
			printf ", beside llama.cpp: prompt %.2fx, decode %.2fx", p / q, d / e
		print ""
	}' "$work/a" "$work/b"
done
