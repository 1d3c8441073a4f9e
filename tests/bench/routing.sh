#!/bin/sh
# Routing: how often the trained router picks the right expert on held-out documents and on questions
# made from them, how often it asks nobody when the question is of another world, with and without the
# shipped foreign text; and what it saves between a strong and a weak model.
#
# The domains are those of pipelines/swarm.mk, made from Debian's documentation packages.
#
# RouteLLM's published figures are for another task: routers trained on people's preferences, carried
# over to MT-Bench, where 25 % strong calls are worth 46 % of a commercial router's.  Folds within one
# benchmark are easier than that; the last curve, over unseen subjects, is the one to go by.
#
#	J_BIN		folder of the programs, default bin
#	J_TEST_SHARED	folder with data/eval, data/instruct and data/routing (RouteLLM's stored outcomes);
#			without it the out-of-domain questions and the curves are skipped
#	OUT		folder that keeps everything; a second call goes on there
set -eu
cd "$(dirname "$0")/../.."
bin=${J_BIN:-bin}
if [ -n "${OUT:-}" ]; then
	w=$OUT
	mkdir -p "$w"
else
	w=$(mktemp -d)
	trap 'rm -rf "$w"' EXIT
fi
domains='python-core python-datascience python-backend git sql unix'

make -s -f pipelines/swarm.mk WORK="$w" BIN="$bin" DOMAINS="$domains" BYTES=1000000000 DOCS=100000 \
	"$w/routed.jsonl" >"$w/make.log" 2>&1 || { cat "$w/make.log" >&2; exit 1; }
[ -s "$w/without.safetensors" ] ||
	"$bin/jroute" train -q --experts "$w/pool" --foreign none -o "$w/without.safetensors" \
		$(for d in $domains; do echo "$d=$w/pairs/$d.jsonl"; done)
for d in $domains; do
	[ -s "$w/questions.$d" ] || "$bin/jgen" synth --structure -q -o "$w/questions.$d" "$w/valid/$d.jsonl"
done

# tally RIGHT OPTIONS... FILE: right, elsewhere, nobody in per cent, and the number
tally() {
	want=$1
	shift
	"$bin/jroute" route -q --no-prov --experts "$w/pool" --top-k 1 "$@" |
		awk -v want="$want" '{
			n++
			name = "none"
			if (match($0, /"experts":\[\{"name":"[^"]*"/))
				name = substr($0, RSTART + 20, RLENGTH - 21)
			if (name == want)
				right++
			if (name == "none")
				none++
		} END {
			wrong = n - right - (want == "none" ? 0 : none)
			printf "%7.1f %9.1f %7.1f %7d\n", 100 * right / n, 100 * wrong / n, 100 * none / n, n
		}'
}

for router in "$w/pool/router.safetensors" "$w/without.safetensors"; do
	[ "$router" = "$w/without.safetensors" ] && echo && echo 'without foreign text:' || echo 'with foreign text:'
	echo '                               right elsewhere  nobody       n   (per cent)'
	for d in $domains; do
		printf '%-18s documents' "$d"
		tally "$d" --router "$router" "$w/valid/$d.jsonl"
		printf '%-18s questions' ''
		head -500 "$w/questions.$d" >"$w/some"
		tally "$d" --router "$router" "$w/some"
	done
	if [ -n "${J_TEST_SHARED:-}" ]; then
		[ -s "$w/MMLU.curve.jsonl" ] || python3 tests/bench/routing.py "$J_TEST_SHARED" "$w"
		for f in "$w"/foreign.*.jsonl; do
			name=${f##*/foreign.}
			printf '%-18s foreign  ' "${name%.jsonl}"
			tally none --router "$router" "$f"
		done
	fi
done
if [ -z "${J_TEST_SHARED:-}" ]; then
	echo 'skipped, no J_TEST_SHARED: foreign questions, cost-quality curves'
	exit 0
fi
echo
echo 'Mixtral-8x7B or GPT-4 (RouteLLM'\''s stored outcomes), predicted in 5 folds:'
for f in GSM8K MMLU; do
	printf '\n== %s: ' "$f"
	"$bin/jroute" curve -q --show "$w/$f.curve.jsonl"
done
printf '\n== MMLU, every subject predicted from the others: '
"$bin/jroute" curve -q --show --by subject "$w/MMLU.curve.jsonl"
