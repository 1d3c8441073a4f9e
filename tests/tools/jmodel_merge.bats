#!/usr/bin/env bats
# jmodel merge of whole models: the methods, what they keep, what is refused.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	PATH="$(cd "${J_BIN:-bin}" && pwd):$PATH"
	d="$BATS_TEST_TMPDIR"
	a=tests/ref/qwen3/tied
}

# Another model of the same shape: the first one's values, rounded hard.
other() {
	jmodel quantize --type q4_0 "$a" "$d/q.gguf" -q >/dev/null
	jmodel convert "$d/q.gguf" "$d/b" -q
}

@test "a model merged with itself is itself, by every method" {
	for method in linear slerp; do
		jmodel merge --method $method "$a" "$a" -o "$d/m" -q >/dev/null
		run -0 jmodel verify "$a" "$d/m"
		[[ "$output" == *'"max_logit_diff":0,'* ]]
	done
	for method in ties dare dare-ties; do
		run -0 --separate-stderr jmodel merge --method $method --base "$a" "$a" "$a" -o "$d/m" -q
		[[ "$output" == *'"max_drift":0,'* ]]
	done
}

@test "weights decide; the drift is printed; the same bytes for any -j" {
	other
	run -0 --separate-stderr jmodel merge "$a=3" "$d/b=1" -o "$d/m" -q
	drift=$(tail -1 <<<"$output" | jq .max_drift)
	whole=$(jmodel merge "$a=0" "$d/b=1" -o "$d/n" -q | tail -1 | jq .max_drift)
	[ "$(jq -n "$drift > 0.2 * $whole and $drift < 0.3 * $whole")" = true ]
	[ "$(wc -l <<<"$output")" -gt 10 ]
	jmodel merge --method dare --base "$a" "$d/b" --seed 5 -j 1 -o "$d/1" -q >/dev/null
	jmodel merge --method dare --base "$a" "$d/b" --seed 5 -j 4 -o "$d/4" -q >/dev/null
	cmp "$d/1/model.safetensors" "$d/4/model.safetensors"
	jmodel merge --method dare --base "$a" "$d/b" --seed 6 -o "$d/6" -q >/dev/null
	run ! cmp -s "$d/1/model.safetensors" "$d/6/model.safetensors"
}

@test "what cannot be merged: exit code 2 and no folder" {
	run -2 jmodel merge "$a" tests/ref/llama/gqa -o "$d/m"
	[[ "$output" == *"cannot be merged"* || "$output" == *shape* ]]
	run -2 jmodel merge --method ties "$a" "$a" -o "$d/m"
	[[ "$output" == *base* ]]
	run -2 jmodel merge --method slerp "$a" -o "$d/m"
	run -2 jmodel merge --method ties --base "$a" --density 0 "$a" -o "$d/m"
	run -2 jmodel merge "$a=1" "$a=-1" -o "$d/m"
	run -2 jmodel merge "$a"
	[ ! -e "$d/m" ]
	run -1 jmodel merge "$a" "$d/absent" -o "$d/m"
	[[ "$output" == *absent* ]]
}

@test "an adapter beside its base and merged into it are equal; merged models take no adapter" {
	jmodel merge -a tests/ref/adapter/lora -o "$d/m" -q
	run -0 jmodel verify tests/ref/adapter/lora "$d/m"
	[[ "$output" == *'"same":true'* ]]
	run -2 jmodel merge tests/ref/adapter/lora "$d/m" -o "$d/n"
	run -2 jmodel quantize tests/ref/adapter/lora "$d/q.gguf"
	[[ "$output" == *adapter* ]]
	[ ! -e "$d/q.gguf" ]
}

@test "adapters joined into one folder are their weighted sum; a rank too small is near it" {
	base=tests/ref/llama/gqa
	two=(--adapter tests/ref/adapter/join_a=0.7 --adapter tests/ref/adapter/join_b=-0.4)
	jmodel merge -q "${two[@]}" --combine cat -o "$d/cat"
	jmodel merge -q "${two[@]}" --combine svd --rank 8 -o "$d/svd"
	jmodel merge -q "${two[@]}" --combine dare --density 0.5 --seed 3 -o "$d/dare"
	jmodel merge -q "${two[@]}" --combine dare --density 0.5 --seed 3 -j 3 -o "$d/again"
	cmp "$d/dare/adapter_model.safetensors" "$d/again/adapter_model.safetensors"
	grep -q '"r": 8' "$d/cat/adapter_config.json"
	jmodel merge -q --base $base "${two[@]}" -o "$d/sum"
	for way in cat svd; do
		jmodel merge -q --base $base --adapter "$d/$way" -o "$d/m"
		diff=$(jmodel verify -q "$d/sum" "$d/m" | sed 's/.*"max_logit_diff":\([^,]*\),.*/\1/')
		awk -v x="$diff" 'BEGIN { exit !(x < 1e-5) }'
	done
	run jmodel merge -q --adapter tests/ref/adapter/join_a --adapter tests/ref/adapter/dora --combine cat -o "$d/no"
	[ "$status" -ne 0 ]
	[[ "$output" == *"DoRA"* ]]
	run jmodel merge -q --adapter tests/ref/adapter/join_a --adapter tests/ref/adapter/rslora --combine ties -o "$d/no"
	[[ "$output" == *"only cat and svd"* ]]
}
