#!/bin/sh
# What jtrain plan says beside what the run takes: peak memory and seconds of a step, for several
# shapes.  Prints a line each; fails where memory is off by more than 5 % or time by more than 15 %.
#
#	J_BIN		folder of the programs, default bin
#	SHAPES		which, default "260k 5.8m 15m sft lora"
#	STEPS		of each run, default 6
set -eu
cd "$(dirname "$0")/../.."
bin=${J_BIN:-bin}
steps=${STEPS:-6}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# config NAME VOCABULARY HIDDEN FFN LAYERS HEADS KV: a folder with a config.json alone
config() {
	mkdir -p "$work/$1"
	cat >"$work/$1/config.json" <<-E
	{"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": $2,
	 "hidden_size": $3, "intermediate_size": $4, "num_hidden_layers": $5,
	 "num_attention_heads": $6, "num_key_value_heads": $7, "head_dim": $(($3 / $6)),
	 "max_position_embeddings": 1024, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
	 "tie_word_embeddings": true, "hidden_act": "silu", "initializer_range": 0.02}
	E
}

awk -v D="$work" 'BEGIN { srand(1); for (i = 0; i < 300; i++) { s = ""
	for (j = 0; j < 200; j++) s = s " w" int(rand() * 1000)
	print "{\"text\":\"" s "\"}" > (D "/text.jsonl")
	print "{\"prompt\":\"" substr(s, 1, 100) "\",\"answer\":\"" substr(s, 100, 150) "\"}" > (D "/pairs.jsonl") } }'

median() {
	sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

status=0
for shape in ${SHAPES:-260k 5.8m 15m sft lora}; do
	verb=pretrain
	data=$work/text.jsonl
	batch=16
	seq=256
	case $shape in
	260k) config 260k 512 64 172 5 8 4 ;;
	5.8m) config 5.8m 8192 256 768 4 4 2 ;;
	15m) config 15m 32000 288 768 6 6 6 ;;
	sft | lora)
		config $shape 4096 256 512 4 4 2
		verb=sft
		data=$work/pairs.jsonl
		;;
	esac
	set -- --model "$work/$shape" --tokenizer tests/ref/bytetok --data "$data" --batch $batch --seq $seq \
		--steps "$steps" --no-prov -o "$work/out"
	[ $verb = pretrain ] || set -- "$@" --chat-template none
	if [ "$shape" = lora ]; then
		"$bin/jtrain" pretrain -q --no-prov --model "$work/lora" --tokenizer tests/ref/bytetok \
			--data "$work/text.jsonl" --batch 1 --seq 64 --steps 1 -o "$work/base"
		set -- "$@" --model "$work/base" --lora r=16,alpha=32,targets=all-linear
	fi
	rm -rf "$work/out"
	"$bin/jtrain" plan $verb "$@" -q >"$work/plan"
	"$bin/jtrain" $verb "$@" 2>"$work/err"
	planned=$(sed -n 's/^  resident .* \([0-9]*\)$/\1/p' "$work/plan")
	peak=$(sed -n 's/.*"rss_bytes":\([0-9]*\).*/\1/p' "$work/out/metrics.jsonl" | sort -n | tail -1)
	tokens_s=$(sed -n 's/^.*update, measured:.* \([0-9]*\) tokens\/s.*/\1/p' "$work/plan")
	took=$(sed -n 's/.*"tokens_per_s":\([0-9.]*\).*/\1/p' "$work/out/metrics.jsonl" | tail -n +3 | median)
	awk -v s="$shape" -v p="$planned" -v m="$peak" -v a="${tokens_s:-0}" -v b="$took" 'BEGIN {
		off = (p - m) / m; slow = a > 0 ? b / a - 1 : 0
		printf "%-5s memory planned %.1f MB, measured %.1f MB (%+.1f %%)  tokens/s ", s, p / 1e6, m / 1e6, 100 * off
		if (a > 0)
			printf "planned %.0f, measured %.0f (%+.1f %%)\n", a, b, 100 * slow
		else
			printf "not planned (a unit takes too long to try), measured %.0f\n", b
		exit !(off < 0.05 && off > -0.05 && slow < 0.15 && slow > -0.15) }' || status=1
done
exit $status
