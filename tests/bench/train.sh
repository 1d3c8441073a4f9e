#!/bin/sh
# Training throughput: jtrain beside PyTorch on the same shapes, in turns, so that a change of the
# machine's speed hits both.  Prints one line per run and the ratios.
#
#	J_PEER_PYTHON	a Python with torch and transformers (without it only jtrain is measured)
#	J_BIN		folder of the programs, default bin
#	ROUNDS		runs of each, default 3
#	SHAPES		of stories260k stories15m stories110m demo gpt2 (one sequence of 1024);
#			default "stories15m demo"
#	PRECISION	f32 (default) or bf16, of both: torch runs under autocast then
#	COMPILE		1: torch.compile instead of eager
#	THREADS, STEPS	default 2 and 14
#	PEAK		1: also the share of the best product of matrices that torch does in fp32
set -eu
cd "$(dirname "$0")/../.."
bin=${J_BIN:-bin}
rounds=${ROUNDS:-3}
threads=${THREADS:-2}
precision=${PRECISION:-f32}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# llama DIM LAYERS HEADS FFN VOCABULARY
llama() {
	cat <<-E
	{"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": $5,
	 "hidden_size": $1, "intermediate_size": $4, "num_hidden_layers": $2,
	 "num_attention_heads": $3, "num_key_value_heads": ${6:-$3}, "head_dim": $(($1 / $3)),
	 "max_position_embeddings": 1024, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
	 "tie_word_embeddings": true, "hidden_act": "silu", "initializer_range": 0.02}
	E
}

# config SHAPE: a folder with a config.json alone
config() {
	mkdir -p "$work/$1"
	case $1 in
	stories260k)
		llama 64 5 8 172 512 4 >"$work/$1/config.json"
		;;
	stories15m)
		llama 288 6 6 768 32000 >"$work/$1/config.json"
		;;
	stories110m)
		llama 768 12 12 2048 32000 >"$work/$1/config.json"
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
	gpt2)
		cat >"$work/$1/config.json" <<-E
		{"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "vocab_size": 50257,
		 "n_embd": 768, "n_layer": 12, "n_head": 12, "n_positions": 1024, "n_ctx": 1024,
		 "layer_norm_epsilon": 1e-5, "activation_function": "gelu_new",
		 "attn_pdrop": 0.0, "embd_pdrop": 0.0, "resid_pdrop": 0.0,
		 "tie_word_embeddings": true, "initializer_range": 0.02}
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
		--data "$work/docs.jsonl" --batch "$2" --seq "$3" --steps "$4" -j "$threads" \
		--precision "$precision" -o "$work/out"
	sed -n 's/.*"tokens_per_s":\([0-9.]*\).*"rss_bytes":\([0-9]*\).*/\1 \2/p' \
		"$work/out/metrics.jsonl" | tail -n +3 | sort -n | awk '{ t[NR] = $1
		if ($2 > m) m = $2 } END { printf "%.0f %.2f\n", t[int((NR + 1) / 2)], m / 1e9 }'
}

# peak: GFLOP/s of torch's best product of matrices
peak() {
	OMP_NUM_THREADS=$threads "$J_PEER_PYTHON" -c "
import time, torch
torch.set_num_threads($threads)
best = 9e9
a = torch.randn(2048, 2048)
b = torch.randn(2048, 2048)
for i in range(8):
    t = time.time()
    a @ b
    best = min(best, time.time() - t)
print(2 * 2048 ** 3 / best / 1e9)"
}

# flops SHAPE BATCH SEQ STEPS: GFLOP of a token; what is computed twice counts once
flops() {
	"$bin/jtrain" plan --model "$work/$1" --tokenizer tests/ref/bytetok -q --data "$work/docs.jsonl" \
		--batch "$2" --seq "$3" --steps "$4" -j "$threads" |
		awk -v n=$(($2 * $3)) '/FLOPs per step/ { print $4 / n / 1e9 }'
}

torch() {	# the same; with COMPILE=1 through torch.compile
	set -- "$work/$1" "$2" "$3" "$4"
	[ "$precision" = f32 ] || set -- "$@" --bf16
	[ -z "${COMPILE:-}" ] || set -- "$@" --compile
	OMP_NUM_THREADS=$threads "$J_PEER_PYTHON" tests/bench/train_torch.py "$@" 2>/dev/null |
		sed -n 's/.* \([0-9]*\) tok\/s.*rss=\([0-9.]*\)GB.*/\1 \2/p'
}

median() {
	sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

for shape in ${SHAPES:-stories15m demo}; do
	config "$shape"
	batch=4 seq=256 steps=${STEPS:-14}
	[ "$shape" != gpt2 ] || { batch=1 seq=1024; }
	: >"$work/a"
	: >"$work/b"
	: >"$work/peak"
	i=0
	while [ $i -lt "$rounds" ]; do
		i=$((i + 1))
		r=$(ours "$shape" $batch $seq $steps)
		echo "$r" >>"$work/a"
		echo "$shape jtrain ${r% *} tokens/s, ${r#* } GB"
		[ -n "${J_PEER_PYTHON:-}" ] || continue
		[ -z "${PEAK:-}" ] || peak >>"$work/peak"
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
	a=$(cut -d' ' -f2 "$work/a" | sort -n | tail -1)
	b=$(cut -d' ' -f2 "$work/b" | sort -n | tail -1)
	awk "BEGIN { printf \"%s: memory %.2f GB, torch %.2f GB, %.0f %%\n\", \"$shape\", $a, $b, 100 * $a / $b }"
	[ -n "${PEAK:-}" ] || continue
	sort -n "$work/peak" | tail -1 | awk -v shape="$shape" -v t="$best_a" -v m="$(cut -d' ' -f1 "$work/a" | median)" \
		-v f="$(flops "$shape" $batch $seq $steps)" '{
		printf "%s: jtrain %.0f GFLOP/s (best %.0f), the best product of torch %.0f, share %.0f %% (best %.0f %%)\n",
			shape, m * f, t * f, $1, 100 * m * f / $1, 100 * t * f / $1 }'
done
