#!/bin/sh
# Training throughput: jtrain beside PyTorch on the same shapes, in turns, so that a change of the
# machine's speed hits both.  Prints one line per run and the ratios.
#
#	J_PEER_PYTHON	a Python with torch and transformers (without it only jtrain is measured)
#	J_PEERS		folder with the shared peer script train_torch.py, used where it knows the
#			shape; else tests/bench/train_torch.py, which does the same from a config.json
#	J_BIN		folder of the programs, default bin
#	ROUNDS		runs of each, default 3
#	SHAPES		which shapes, default "stories15m demo"
set -eu
cd "$(dirname "$0")/../.."
bin=${J_BIN:-bin}
rounds=${ROUNDS:-3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# config SHAPE: a folder with a config.json alone
config() {
	mkdir -p "$work/$1"
	case $1 in
	stories15m)
		cat >"$work/$1/config.json" <<-E
		{"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 32000,
		 "hidden_size": 288, "intermediate_size": 768, "num_hidden_layers": 6,
		 "num_attention_heads": 6, "num_key_value_heads": 6, "head_dim": 48,
		 "max_position_embeddings": 1024, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
		 "tie_word_embeddings": true, "hidden_act": "silu", "initializer_range": 0.02}
		E
		;;
	demo)
		cat >"$work/$1/config.json" <<-E
		{"architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "vocab_size": 4096,
		 "hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 4,
		 "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 64,
		 "max_position_embeddings": 1024, "rms_norm_eps": 1e-6, "rope_theta": 10000.0,
		 "tie_word_embeddings": true, "hidden_act": "silu", "initializer_range": 0.02}
		E
		;;
	*)
		echo "train.sh: no shape $1" >&2
		exit 2
		;;
	esac
}

# Text enough for the steps: one byte is one token of the test tokenizer.
awk 'BEGIN { srand(1); for (i = 0; i < 200; i++) { s = ""
	for (j = 0; j < 200; j++) s = s " w" int(rand() * 1000)
	print "{\"text\":\"" s "\"}" } }' >"$work/docs.jsonl"

ours() {	# ours SHAPE BATCH SEQ STEPS
	rm -rf "$work/out"
	"$bin/jtrain" pretrain --model "$work/$1" --tokenizer tests/ref/bytetok -q --no-prov \
		--data "$work/docs.jsonl" --batch "$2" --seq "$3" --steps "$4" -j 2 -o "$work/out"
	sed -n 's/.*"tokens_per_s":\([0-9.]*\).*"rss_bytes":\([0-9]*\).*/\1 \2/p' \
		"$work/out/metrics.jsonl" | tail -n +3 | sort -n | awk '{ t[NR] = $1
		if ($2 > m) m = $2 } END { printf "%.0f %.2f\n", t[int((NR + 1) / 2)], m / 1e9 }'
}

torch() {	# the same
	if [ "$1" = stories15m ] && [ -n "${J_PEERS:-}" ]; then
		set -- "$J_PEERS/train_torch.py" 15m --batch "$2" --seq "$3" --steps "$4"
	else
		set -- tests/bench/train_torch.py "$work/$1" "$2" "$3" "$4"
	fi
	"$J_PEER_PYTHON" "$@" 2>/dev/null |
		sed -n 's/.* \([0-9]*\) tok\/s.*rss=\([0-9.]*\)GB.*/\1 \2/p'
}

median() {
	sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

for shape in ${SHAPES:-stories15m demo}; do
	config "$shape"
	batch=4 seq=256 steps=14
	: >"$work/a"
	: >"$work/b"
	i=0
	while [ $i -lt "$rounds" ]; do
		i=$((i + 1))
		r=$(ours "$shape" $batch $seq $steps)
		echo "$r" >>"$work/a"
		echo "$shape jtrain ${r% *} tokens/s, ${r#* } GB"
		[ -n "${J_PEER_PYTHON:-}" ] || continue
		r=$(torch "$shape" $batch $seq $steps)
		echo "$r" >>"$work/b"
		echo "$shape torch ${r% *} tokens/s, ${r#* } GB"
	done
	a=$(cut -d' ' -f1 "$work/a" | median)
	b=$(cut -d' ' -f1 "$work/b" | median)
	[ -n "$b" ] || continue
	# On a machine that others use as well the best runs compare better than the medians.
	best_a=$(cut -d' ' -f1 "$work/a" | sort -n | tail -1)
	best_b=$(cut -d' ' -f1 "$work/b" | sort -n | tail -1)
	awk "BEGIN { printf \"%s: jtrain %d, torch %d, ratio %.2f (best %d, %d, %.2f)\n\", \"$shape\",
		$a, $b, $a / $b, $best_a, $best_b, $best_a / $best_b }"
done
