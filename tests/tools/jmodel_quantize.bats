#!/usr/bin/env bats
# jmodel quantize: types and mixes, importance, perplexity before and after, what is refused.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	PATH="$(cd "${J_BIN:-bin}" && pwd):$PATH"
	d="$BATS_TEST_TMPDIR"
	stories="${J_TEST_SHARED:-../shared}/models/stories260K"
}

@test "every type is written, read back and close to the original" {
	for t in q8_0 q4_0 q4_1 q5_0 q5_1 q4_k_s q4_k_m q5_k_s q5_k_m q6_k; do
		run -0 --separate-stderr jmodel quantize --type $t tests/ref/llama/gqa "$d/$t.gguf"
		[[ "$output" == *"\"type\":\"$t\""* ]]
		run -0 jmodel verify --tolerance 3 tests/ref/llama/gqa "$d/$t.gguf"
	done
	run -0 jmodel info "$d/q4_0.gguf"
	[[ "$output" == *"Q4_0"* ]]
}

@test "the bytes do not depend on -j, and a file written again in its own type is the same file" {
	jmodel quantize --type q5_1 -j 1 --name m tests/ref/llama/gqa "$d/1.gguf" -q >/dev/null
	jmodel quantize --type q5_1 -j 4 --name m tests/ref/llama/gqa "$d/4.gguf" -q >/dev/null
	cmp "$d/1.gguf" "$d/4.gguf"
	jmodel quantize --type q8_0 --name m tests/ref/qwen3/untied "$d/a.gguf" -q >/dev/null
	jmodel convert --type q8_0 --name m "$d/a.gguf" "$d/b.gguf" -q
	cmp "$d/a.gguf" "$d/b.gguf"
}

@test "a quantized source is refused unless asked for" {
	jmodel quantize --type q4_0 tests/ref/qwen3/tied "$d/q.gguf" -q >/dev/null
	run -2 jmodel quantize --type q8_0 "$d/q.gguf" "$d/again.gguf"
	[[ "$output" == *"quantized already"* ]]
	[ ! -e "$d/again.gguf" ]
	jmodel quantize --type q8_0 --requantize "$d/q.gguf" "$d/again.gguf" -q
}

@test "wrong arguments: exit code 2, nothing written" {
	run -2 jmodel quantize tests/ref/llama/gqa "$d/folder"
	run -2 jmodel quantize --type q3 tests/ref/llama/gqa "$d/x.gguf"
	run -2 jmodel quantize --save-imatrix "$d/i" tests/ref/llama/gqa "$d/x.gguf"
	run -2 jmodel quantize --imatrix a --calibrate b tests/ref/llama/gqa "$d/x.gguf"
	[ -z "$(ls -A "$d")" ]
}

@test "a damaged importance matrix is refused by name" {
	head -c 20 tests/fuzz/seeds/imatrix/dat >"$d/cut.dat"
	run -1 jmodel quantize --imatrix "$d/cut.dat" tests/ref/llama/gqa "$d/x.gguf"
	[[ "$output" == *cut.dat* ]]
	[ ! -e "$d/x.gguf" ]
}

@test "importance from text is collected, saved, used again; perplexity is measured" {
	[ -d "$stories" ] || skip "no shared models (J_TEST_SHARED)"
	m="$stories/stories260K.gguf"
	run -0 --separate-stderr jmodel quantize --type q4_0 --calibrate "$stories/expected_greedy.txt" \
		--chunk 128 --save-imatrix "$d/i.gguf" --eval "$stories/expected_greedy.txt" --name m "$m" "$d/a.gguf"
	[[ "$output" == *'"importance":true'* ]]
	ratio=$(jq .ppl_ratio <<<"$output")
	[ "$(jq -n "$ratio < 1.2 and $ratio > 0.95")" = true ]
	jmodel quantize --type q4_0 --imatrix "$d/i.gguf" --name m "$m" "$d/b.gguf" -q
	cmp "$d/a.gguf" "$d/b.gguf"
	jmodel quantize --type q4_0 --name m "$m" "$d/c.gguf" -q
	run ! cmp -s "$d/a.gguf" "$d/c.gguf"
	run -2 jmodel quantize --calibrate /dev/null "$m" "$d/e.gguf"
	[ ! -e "$d/e.gguf" ]
}

@test "divided into files as gguf-split makes them: read as one, and the weights of the undivided file" {
	m=tests/ref/llama/gqa
	jmodel convert --name m $m "$d/one.gguf" -q
	jmodel convert --name m --split-max-tensors 6 $m "$d/m.gguf" -q
	[ ! -e "$d/m.gguf" ]
	[ -e "$d/m-00004-of-00004.gguf" ]
	run -0 jmodel verify "$d/one.gguf" "$d/m-00001-of-00004.gguf"
	[[ "$output" == *'"verdict":"identical"'* ]]
	run -0 --separate-stderr jmodel quantize --type q8_0 --split-max-size 20K $m "$d/q.gguf"
	n=$(jq .files <<<"$output")
	[ "$n" -gt 1 ]
	[ "$(jq .bytes <<<"$output")" -eq "$(cat "$d"/q-0*.gguf | wc -c)" ]
	jmodel quantize --type q8_0 $m "$d/q1.gguf" -q
	run -0 jmodel verify "$d/q1.gguf" "$d/q-00001-of-0000$n.gguf"
	[[ "$output" == *'"verdict":"identical"'* ]]
	# whoever names the first means all of them
	[ "$(jmodel info --json "$d/q-00001-of-0000$n.gguf" | jq .bytes)" -eq "$(cat "$d"/q-0*.gguf | wc -c)" ]
	jmodel publish --licence mit "$d/q-00001-of-0000$n.gguf" -o "$d/up" -q >/dev/null
	[ "$(find "$d/up" -name '*.gguf' | wc -l)" -eq "$n" ]
	(cd "$d/up" && sha256sum --quiet -c SHA256SUMS)
	run -0 --separate-stderr jmodel quantize --type q8_0 --split-max-size 1G $m "$d/r.gguf"
	[ -e "$d/r.gguf" ]
	run -2 jmodel convert --split-max-size 1G $m "$d/folder"
	[[ "$output" == *"--shard-size"* ]]
}
