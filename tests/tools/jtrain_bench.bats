#!/usr/bin/env bats
# jtrain bench and jgen bench: the tables are whole; nothing is said of times.

bats_require_minimum_version 1.5.0

setup() {
	J_BIN=${J_BIN:-$BATS_TEST_DIRNAME/../../bin}
	PATH=$J_BIN:$PATH
	cd "$BATS_TEST_TMPDIR"
	mkdir m
	cat >m/config.json <<-E2
	{"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 259,
	 "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
	 "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16,
	 "max_position_embeddings": 128, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
	 "tie_word_embeddings": true, "hidden_act": "silu", "initializer_range": 0.02}
	E2
}

@test "bench: a row for every operation of a step, and the machine's roof" {
	run -0 --separate-stderr jtrain bench -q --model m --batch 2 --seq 32 --passes 1
	[[ $output == "roof: "* ]]
	for op in embed rmsnorm rope attention swiglu linear_ce "linear mlp.up_proj.weight" "update adamw"; do
		[[ $output == *"$op"* ]]
	done
	[[ $output == *"a step of 64 tokens: "* ]]
}

@test "bench --json: one object; bf16 names the same operations, and how values are stored" {
	jtrain bench -q --model m --batch 2 --seq 32 --passes 1 --json >a.json
	jtrain bench -q --model m --batch 2 --seq 32 --passes 1 --json --precision bf16 >b.json
	jq -e '.roof.flops > 0 and .tokens == 64 and .step_s > 0 and (.operations | length) > 20' a.json
	jq -c '[.operations[].name | select(endswith(" bf16"))] | unique' b.json >stored
	[ "$(cat stored)" = '["from bf16","to bf16"]' ]
	[ "$(jq -c '[.operations[].name]' a.json)" = \
		"$(jq -c '[.operations[].name | select(endswith(" bf16") | not)]' b.json)" ]
}

@test "bench --product: three products of training, one over packed weights" {
	jtrain bench -q --json --product 8x32x64 4x64x256:q4_k >p.json
	[ "$(jq -c '[.operations[].name]' p.json)" = '["NT 8x32x64","NN 8x32x64","TN 8x32x64","Q4_K 4x64x256"]' ]
}

@test "bench: what it does not measure is named" {
	run -2 jtrain bench -q --product 8x32
	[[ $output == *"'8x32': expected MxNxK"* ]]
	run -2 jtrain bench -q --product 8x32x100:q4_k
	[[ $output == *"q4_k"* ]]
	run -2 jtrain bench -q --model m --batch 0
	[[ $output == *"got 0"* ]]
}

@test "jgen bench: rates of one and of several sequences" {
	printf '{"id":"1","text":"%s"}\n' "$(seq -s' ' 500)" >docs.jsonl
	jtrain pretrain -q --no-prov --model m --tokenizer "$BATS_TEST_DIRNAME/../ref/bytetok" \
		--data docs.jsonl --steps 1 --batch 2 --seq 32 -o out
	run -0 --separate-stderr jgen bench -q -m out --prompt-tokens 16 -n 4 --parallel 3 --rounds 1
	[[ $output == *"prompt "*"decode "*" 3 at once "* ]]
	jgen bench -q -m out --prompt-tokens 16 -n 4 --rounds 1 --json |
		jq -e '.decode_tokens_per_s > 0 and .weight_bytes > 0 and .roof_share > 0'
}

train() {	# train FOLDER ARGS...
	out=$1
	shift
	jtrain pretrain -q --no-prov --model m --tokenizer "$BATS_TEST_DIRNAME/../ref/bytetok" \
		--data docs.jsonl --steps 6 --batch 4 --seq 32 --lr 1e-2 -o "$out" "$@"
}

@test "--precision bf16: losses near those of f32, the same model for any -j; a resume keeps to it" {
	printf '{"id":"1","text":"%s"}\n' "$(seq -s' ' 900)" >docs.jsonl
	train full
	train half --precision bf16 -j 1 --save-every 3
	train two --precision bf16 -j 2
	cmp half/model.safetensors two/model.safetensors
	run -1 cmp -s full/model.safetensors half/model.safetensors
	jq -es '.[5].loss as $a | .[11].loss as $b | ($a - $b | fabs) < 0.02 * $a' \
		full/metrics.jsonl half/metrics.jsonl
	run -2 jtrain pretrain -q --no-prov --model m --tokenizer "$BATS_TEST_DIRNAME/../ref/bytetok" \
		--data docs.jsonl --steps 6 --batch 4 --seq 32 --lr 1e-2 -o half --resume --precision f32
	[[ $output == *"precision"* ]]
}
