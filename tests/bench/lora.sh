#!/bin/sh
# A LoRA step beside peft's at the same shape, batch and rank, in turns; then what quantizing the frozen
# base costs in held-out loss, and memory beside the plan.
#
#	J_PEER_PYTHON	a Python with torch, transformers and peft (without it only jtrain is measured)
#	J_BIN		folder of the programs, default bin
#	ROUNDS		runs of each, default 3
#	STEPS		steps of a run, default 8
#	PARTS		"speed quality" by default
#	SEEDS		of which the held-out losses are the mean, default "1 2 3"
set -eu
cd "$(dirname "$0")/../.."
bin=${J_BIN:-bin}
rounds=${ROUNDS:-3}
steps=${STEPS:-8}
parts=${PARTS:-speed quality}
seeds=${SEEDS:-1 2 3}
batch=4
seq=256
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A small Qwen3 shape whose rows are multiples of 256; its tokens are bytes.
mkdir "$work/shape"
cat >"$work/shape/config.json" <<-E
	{"architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "vocab_size": 4096,
	 "hidden_size": 256, "intermediate_size": 768, "num_hidden_layers": 4,
	 "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 64,
	 "max_position_embeddings": 512, "rms_norm_eps": 1e-6, "rope_theta": 10000.0,
	 "tie_word_embeddings": true, "hidden_act": "silu", "initializer_range": 0.02}
E
docs() {	# docs SEED COUNT
	awk -v seed="$1" -v n="$2" 'BEGIN { srand(seed); for (i = 0; i < n; i++) { s = ""
		for (j = 0; j < 120; j++) s = s " the " int(rand() * 60) (rand() < 0.5 ? " is small" : " is large")
		print "{\"text\":\"" s "\"}" } }'
}
docs 1 60 >"$work/base.jsonl"
docs 2 60 | sed 's/small/little/g; s/large/huge/g' >"$work/train.jsonl"
docs 3 60 | sed 's/small/little/g; s/large/huge/g' >"$work/valid.jsonl"
common="--batch $batch --seq $seq -q --no-prov -j 2"
"$bin/jtrain" pretrain --model "$work/shape" --tokenizer tests/ref/bytetok --data "$work/base.jsonl" \
	$common --steps 30 --lr 1e-3 -o "$work/base"

median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
tokens_per_s() { sed -n 's/.*"tokens_per_s":\([0-9.]*\).*/\1/p' "$1" | tail -n +3 | median; }

ours() {
	rm -rf "$work/out"
	"$bin/jtrain" pretrain --model "$work/base" --data "$work/train.jsonl" $common --steps "$steps" \
		--lr 1e-3 --lora r=16,alpha=32 -o "$work/out"
	tokens_per_s "$work/out/metrics.jsonl"
}
theirs() {
	"$J_PEER_PYTHON" tests/bench/lora_peft.py "$work/base" $batch $seq "$steps"
}

speed() {
	i=0
	while [ "$i" -lt "$rounds" ]; do
		echo "jtrain $(ours)" | tee -a "$work/speed"
		[ -z "${J_PEER_PYTHON:-}" ] || echo "peft $(theirs)" | tee -a "$work/speed"
		i=$((i + 1))
	done
	awk '{ if ($2 > best[$1]) best[$1] = $2 } END {
		printf "LoRA r=16 all-linear, best of each: jtrain %.0f tokens/s", best["jtrain"]
		if (best["peft"]) printf ", peft %.0f: %.2f times", best["peft"], best["jtrain"] / best["peft"]
		print "" }' "$work/speed"
}

# Held-out loss after the same steps over bases of several types, from the same starts; memory of a run
# beside its plan (of f32 the mapped base is beside the plan's total).
quality() {
	for type in f32 q8_0 q4_k q4_0; do
		for seed in $seeds; do
			q=
			[ "$type" = f32 ] || q="--quantize-base $type"
			run="--model $work/base --data $work/train.jsonl $common --steps 60 --seed $seed
				--lora r=16,alpha=32 $q -o $work/out"
			rm -rf "$work/out"
			# shellcheck disable=SC2086
			plan=$("$bin/jtrain" plan pretrain $run |
				sed -n 's/^  total .* \([0-9]*\)$/\1/p; s/^  base (mapped.* \([0-9]*\)$/\1/p' |
				awk '{ s += $1 } END { print s }')
			# shellcheck disable=SC2086
			"$bin/jtrain" pretrain $run --valid "$work/valid.jsonl" --lr 2e-3
			tail -n 1 "$work/out/metrics.jsonl" |
				sed 's/.*"valid_loss":\([0-9.]*\).*"rss_bytes":\([0-9]*\).*/\1 \2/' |
				awk -v t="$type" -v p="$plan" '{ print t, $1, $2 / 1e6, p / 1e6 }'
		done
	done | awk '{ if (!n[$1]++) order[++k] = $1
			sum[$1] += $2; sq[$1] += $2 * $2; rss[$1] = $3; plan[$1] = $4 }
		END { f = sum["f32"] / n["f32"]
			for (i = 1; i <= k; i++) { t = order[i]; m = sum[t] / n[t]; v = sq[t] / n[t] - m * m
				printf "base %-5s held-out loss %.4f +- %.4f over %d seeds (%+.2f %% of f32), " \
					"%.1f MB resident, plan %.1f MB (%+.1f %%)\n", t, m,
					(v > 0 ? sqrt(v / n[t]) : 0), n[t], 100 * (m / f - 1), rss[t], plan[t],
					100 * (rss[t] / plan[t] - 1) } }'
}

for part in $parts; do
	$part
done
