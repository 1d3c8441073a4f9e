#!/bin/sh
# Quality per compute: the share of tokens at which our recipe reaches the final held-out loss of a
# baseline with the same model, data, batch and sequence length.
#
# The baseline is AdamW with a cosine schedule, its rate tuned on the first seed.  Our AdamW follows
# torch's step by step (tests/unit/optim_trajectory.c, tests/unit/train_torch.c), so no torch is run.
# Our recipe is retrained for each share of the steps, with its whole schedule inside that share; it
# uses nothing that an exported model would have to know of.  Held-out documents: every 20th.
#
#	J_BIN	folder of the programs, default bin
#	DOCS	document records; without them the python documentation is collected
#	SHAPE	preset or model folder, default nano; 15m: hidden 288, 6 layers
#	VOCAB	entries of the tokenizer trained on the documents, default 1024 (15m: 4096)
#	STEPS BATCH SEQ		of the baseline, default 150 8 128
#	SEEDS	default "1 2 3"
#	LRS	rates tried for the baseline, default "1e-3 2e-3 4e-3 8e-3 16e-3"; the best should not be the last
#	OURS	options of our recipe, default below
#	SHARES	per cent of the steps, ascending, default "40 50 60 70"
#	OUT	folder that keeps runs and results; a second call goes on there
#
# The long one: SHAPE=15m VOCAB=4096 STEPS=3000 BATCH=16 SEQ=256 OUT=quality sh tests/bench/quality.sh
set -eu
cd "$(dirname "$0")/../.."
bin=${J_BIN:-bin}
steps=${STEPS:-150}
batch=${BATCH:-8}
seq=${SEQ:-128}
shape=${SHAPE:-nano}
ours=${OURS:---optimizer muon --lr 4e-3 --schedule wsd --decay-steps -1 --weight-decay 0.1 --beta2 0.95}
if [ -n "${OUT:-}" ]; then
	work=$OUT
	mkdir -p "$work"
else
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
fi

if [ ! -s "$work/docs.jsonl" ]; then
	if [ -n "${DOCS:-}" ]; then
		cp "$DOCS" "$work/docs.jsonl"
	else
		"$bin/jcollect" -q deb:python3.11-doc -o "$work/docs.jsonl"
	fi
fi
if [ ! -d "$work/valid" ]; then
	awk -v d="$work" '{ print > (NR % 20 ? d "/train.jsonl" : d "/valid.jsonl") }' "$work/docs.jsonl"
	"$bin/jtokenize" train -q -v "${VOCAB:-1024}" -o "$work/tok" "$work/train.jsonl"
	"$bin/jtokenize" encode -q -t "$work/tok" -o "$work/train" "$work/train.jsonl"
	"$bin/jtokenize" encode -q -t "$work/tok" -o "$work/valid" "$work/valid.jsonl"
fi
if [ "$shape" = 15m ]; then
	shape=$work/shape
	mkdir -p "$shape"
	cat >"$shape/config.json" <<-E
	{"architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "vocab_size": ${VOCAB:-4096},
	 "hidden_size": 288, "intermediate_size": 768, "num_hidden_layers": 6,
	 "num_attention_heads": 6, "num_key_value_heads": 6, "head_dim": 48,
	 "max_position_embeddings": 1024, "rms_norm_eps": 1e-6, "rope_theta": 10000.0,
	 "tie_word_embeddings": true, "hidden_act": "silu", "initializer_range": 0.02}
	E
fi

# run NAME SEED STEPS OPTIONS...: the final held-out loss
run() {
	name=$1
	seed=$2
	n=$3
	shift 3
	[ -s "$work/$name/config.json" ] || "$bin/jtrain" pretrain --model "$shape" --tokenizer "$work/tok" \
		--data "$work/train" --valid "$work/valid" --valid-rows 256 --batch "$batch" --seq "$seq" \
		--steps "$n" --seed "$seed" --clip 1 --no-prov -q --resume -o "$work/$name" "$@" >&2
	sed -n 's/.*"valid_loss":\([0-9.]*\).*/\1/p' "$work/$name/metrics.jsonl" | tail -1
}

first=${SEEDS:-1 2 3}
first=${first%% *}
best=
for lr in ${LRS:-1e-3 2e-3 4e-3 8e-3 16e-3}; do
	loss=$(run "adamw-$lr-$first" "$first" "$steps" --optimizer adamw --lr "$lr" --schedule cosine \
		--min-lr 0 --beta2 0.95 --weight-decay 0.1)
	echo "baseline: rate $lr, seed $first: held-out loss $loss"
	if [ -z "$best" ] || awk "BEGIN { exit !($loss < $least) }"; then
		best=$lr
		least=$loss
	fi
done
echo "baseline: rate $best is the best"
for seed in ${SEEDS:-1 2 3}; do
	base=$(run "adamw-$best-$seed" "$seed" "$steps" --optimizer adamw --lr "$best" --schedule cosine \
		--min-lr 0 --beta2 0.95 --weight-decay 0.1)
	reached=none
	for share in ${SHARES:-40 50 60 70}; do
		# shellcheck disable=SC2086  # options are words
		loss=$(run "ours-$share-$seed" "$seed" $((steps * share / 100)) $ours)
		echo "seed $seed: baseline $base, ours with $share % of the tokens $loss"
		if awk "BEGIN { exit !($loss <= $base) }"; then
			reached=$share
			break
		fi
	done
	echo "seed $seed: ours reaches the baseline with $reached % of the tokens"
done
