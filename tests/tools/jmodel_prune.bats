#!/usr/bin/env bats
# jmodel prune: weights and layers taken out, what is told, what every program makes of the result, what is
# refused.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	PATH="$(cd "${J_BIN:-bin}" && pwd):$PATH"
	d="$BATS_TEST_TMPDIR"
	stories="${J_TEST_SHARED:-../shared}/models/stories260K"
}

@test "a share of every matrix becomes zero; a record for each, one for all; -j changes nothing" {
	run -0 --separate-stderr jmodel prune --sparsity 0.25 -j 1 tests/ref/llama/gqa "$d/a"
	[ "$(jq -s 'map(select(.tensor)) | length' <<<"$output")" -eq 14 ]
	[ "$(jq -s 'map(select(.tensor) | .sparsity == 0.25) | all' <<<"$output")" = true ]
	[ "$(jq -r 'select(.layers) | [.layers, .tensors, .sparsity] | @csv' <<<"$output")" = "2,14,0.25" ]
	jmodel prune --sparsity 0.25 -j 4 tests/ref/llama/gqa "$d/b" -q >/dev/null
	cmp "$d/a/model.safetensors" "$d/b/model.safetensors"
	run -4 jmodel verify tests/ref/llama/gqa "$d/a"
	run -0 --separate-stderr jmodel prune --pattern 2:4 --dtype bf16 tests/ref/llama/gqa "$d/p" -q
	[ "$(jq -r 'select(.layers) | .sparsity' <<<"$output")" = 0.5 ]
	run -0 jmodel info "$d/p"
	[[ "$output" == *BF16* ]]
}

@test "layers are left out: a smaller model that is read, generates, becomes GGUF; the type stays" {
	jmodel convert --type bf16 tests/ref/qwen3/tied "$d/src" -q
	echo "as you like" >"$d/src/LICENSE"
	layers=$(jq .num_hidden_layers "$d/src/config.json")
	run -0 --separate-stderr jmodel prune --drop-layers 0 "$d/src" "$d/less"
	[ "$(jq -s 'map(select(.layer == 0) | .kept) | any' <<<"$output")" = false ]
	[ "$(jq .num_hidden_layers "$d/less/config.json")" -eq $((layers - 1)) ]
	[ "$(jq -r .torch_dtype "$d/less/config.json")" = bfloat16 ]
	cmp "$d/src/LICENSE" "$d/less/LICENSE"
	jmodel logits -m "$d/less" --ids 1,2,3 >/dev/null
	jmodel convert "$d/less" "$d/less.gguf" -q
	jmodel verify --tolerance 1e-3 "$d/less" "$d/less.gguf"
	run -0 jmodel prune --drop-layers 1 --sparsity 0.5 tests/ref/gemma2/tiny "$d/g" -q
	[ "$(jq -c .layer_types "$d/g/config.json")" = '["sliding_attention"]' ]
	jmodel logits -m "$d/g" --ids 1,2,3 >/dev/null
}

@test "what makes no sense is refused in one line, and nothing is written" {
	no() {
		local want=$1

		shift
		run -2 --separate-stderr jmodel prune "$@" "$d/x"
		[[ "$stderr" == *"$want"* ]]
		[ "$(grep -vc -e "^jmodel: warning" -e "--help" <<<"$stderr")" -eq 1 ]
		[ ! -e "$d/x" ]
	}
	m=tests/ref/llama/gqa
	no "what shall go" $m
	no "exclude" --sparsity 0.5 --pattern 2:4 $m
	no "exclude" --layers 1 --drop-layers 1 $m
	no "between 0 and 1" --sparsity 50 $m
	no "expected N:M" --pattern 4:2 $m
	no "multiple of 5" --pattern 2:5 $m
	no "needs text" --method wanda --sparsity 0.5 $m
	no "needs text" --layers 1 $m
	no "looks at no text" --drop-layers 1 --calibrate README.md $m
	no "layers 0 to 1" --drop-layers 2 $m
	no "no layer" --drop-layers 0-1 $m
	no "expected" --drop-layers x $m
	no "expected a comma" --drop-layers 0x $m
	no "needs a tokenizer" --sparsity 0.5 --calibrate README.md $m
	no "merge it into its base" --sparsity 0.5 tests/ref/adapter/lora
	jmodel quantize tests/ref/llama/gqa "$d/q.gguf" -q >/dev/null
	no "quantized already" --sparsity 0.5 "$d/q.gguf"
	run -2 jmodel prune --sparsity 0.5 $m "$d/x.gguf"
	[[ "$output" == *"prune writes a folder"* ]]
}

@test "text decides: wanda loses less than magnitude, and the layer of least influence goes" {
	[ -d "$stories" ] || skip "no shared models (J_TEST_SHARED)"
	m="$stories/stories260K.gguf"
	t="$stories/expected_greedy.txt"
	run -0 jmodel prune --sparsity 0.5 --eval "$t" "$m" "$d/m" -q
	magnitude=$(jq 'select(.layers) | .ppl_ratio' <<<"$output")
	run -0 jmodel prune --sparsity 0.5 --calibrate "$t" --chunk 64 --eval "$t" "$m" "$d/w" -q
	wanda=$(jq 'select(.layers) | .ppl_ratio' <<<"$output")
	[ "$(jq -n "1 < $wanda and $wanda < $magnitude")" = true ]
	run -0 jmodel prune --layers 4 --calibrate "$t" --chunk 64 "$m" "$d/l" -q
	[ "$(jq -s 'map(select(.kept == false)) as [$gone] | map(.influence // 9) | min == $gone.influence' <<<"$output")" = true ]
	run -1 jmodel prune --layers 4 --calibrate "$t" --chunk 64 -M 10K "$m" "$d/no" -q
	[[ "$output" == *"-M allows"*"fewer --chunks"* ]]
	run -0 jgen complete -m "$d/l" -p "Once upon a time" -n 8 --temperature 0
	[ -n "$output" ]
	[ -e "$d/l/tokenizer.json" ]
}
