#!/bin/sh
# Routing: how often the trained router picks the right expert on held-out documents and on questions
# made from them, how often it asks nobody when the question is of another world, with and without the
# shipped foreign text; and what it saves between a strong and a weak model.
#
# The domains are those of pipelines/swarm.mk, made from Debian's documentation packages; documents and
# questions of other packages (Perl, Apache) are foreign as well.  In brackets: 95 % intervals (Wilson).
#
# RouteLLM's published figures are for another task: routers trained on people's preferences, carried
# over to MT-Bench, where 25 % strong calls are worth 46 % of a commercial router's.  Folds within one
# benchmark are easier than that; the curves over unseen subjects and from one benchmark to another are
# the ones to go by.
#
#	J_BIN		folder of the programs, default bin
#	J_TEST_SHARED	folder with data/eval, data/instruct and data/routing (RouteLLM's stored outcomes);
#			without it the out-of-domain questions and the curves are skipped
#	ENCODER		a model: routers with its embeddings as well
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
# train NAME OPTIONS...
train() {
	name=$1
	shift
	[ -s "$w/$name.safetensors" ] || "$bin/jroute" train -q --experts "$w/pool" "$@" \
		-o "$w/$name.safetensors" $(for d in $domains; do echo "$d=$w/pairs/$d.jsonl"; done)
}
cp "$w/pool/router.safetensors" "$w/prose.safetensors"
train shipped
train none --foreign none
[ -z "${ENCODER:-}" ] || train encoder --foreign shipped --foreign "$w/foreign.jsonl" --encoder "$ENCODER"
for p in perl-doc apache2-doc; do
	[ -s "$w/other.$p" ] || "$bin/jcollect" -q -o "$w/other.$p" "deb:$p" || : >"$w/other.$p"
	[ -s "$w/other.$p.questions" ] || "$bin/jgen" synth --structure -q -o "$w/other.$p.questions" "$w/other.$p"
done
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
			if (n == 0)
				exit
			z = 1.96
			p = right / n
			mid = (p + z * z / (2 * n)) / (1 + z * z / n)
			half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
			printf "%7.1f [%5.1f, %5.1f] %9.1f %7.1f %7d\n", 100 * p, 100 * (mid - half),
				100 * (mid + half), 100 * wrong / n, 100 * none / n, n
		}'
}

for router in prose encoder shipped none; do
	r=$w/$router.safetensors
	[ -s "$r" ] || continue
	case $router in
	prose) printf '\nforeign text: shipped questions and prose of other packages\n' ;;
	encoder) printf '\nthe same, with embeddings by %s\n' "$ENCODER" ;;
	shipped) printf '\nforeign text: the shipped questions and topics alone\n' ;;
	none) printf '\nno foreign text\n' ;;
	esac
	echo '                               right     95 %       elsewhere  nobody       n   (per cent)'
	for d in $domains; do
		printf '%-18s documents' "$d"
		tally "$d" --router "$r" "$w/valid/$d.jsonl"
		printf '%-18s questions' ''
		head -500 "$w/questions.$d" >"$w/some"
		tally "$d" --router "$r" "$w/some"
		printf '%-18s  forced  ' ''
		tally "$d" --router "$r" --no-abstain "$w/some"
	done
	for p in perl-doc apache2-doc; do
		printf '%-18s documents' "$p"
		tally none --router "$r" "$w/other.$p"
		head -500 "$w/other.$p.questions" >"$w/some"
		printf '%-18s questions' ''
		tally none --router "$r" "$w/some"
	done
	if [ -n "${J_TEST_SHARED:-}" ]; then
		[ -s "$w/MT-Bench.curve.jsonl" ] || python3 tests/bench/routing.py "$J_TEST_SHARED" "$w"
		for f in "$w"/foreign.*.jsonl; do
			name=${f##*/foreign.}
			printf '%-18s foreign  ' "${name%.jsonl}"
			tally none --router "$r" "$f"
		done
	fi
done
if [ -z "${J_TEST_SHARED:-}" ]; then
	echo 'skipped, no J_TEST_SHARED: foreign questions, cost-quality curves'
	exit 0
fi
echo
echo 'Mixtral-8x7B or GPT-4 (RouteLLM'\''s stored outcomes), predicted in 5 folds:'
for f in GSM8K MMLU MT-Bench; do
	printf '\n== %s: ' "$f"
	"$bin/jroute" curve -q --show "$w/$f.curve.jsonl"
done
printf '\n== MMLU, every subject predicted from the others: '
"$bin/jroute" curve -q --show --by subject "$w/MMLU.curve.jsonl"
cat "$w/GSM8K.curve.jsonl" "$w/MMLU.curve.jsonl" >"$w/both"
printf '\n== MT-Bench, learned from GSM8K and MMLU: '
"$bin/jroute" curve -q --show --learn "$w/both" "$w/MT-Bench.curve.jsonl"
for pair in GSM8K:MMLU MMLU:GSM8K; do
	printf '\n== %s, learned from %s: ' "${pair#*:}" "${pair%:*}"
	"$bin/jroute" curve -q --show --learn "$w/${pair%:*}.curve.jsonl" "$w/${pair#*:}.curve.jsonl" | sed -n '1,3p'
done
