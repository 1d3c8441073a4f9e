#!/usr/bin/env bats
# jmodel: info, convert, verify, logits, gradients.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	PATH="$(cd "${J_BIN:-bin}" && pwd):$PATH"
	d="$BATS_TEST_TMPDIR"
	stories="${J_TEST_SHARED:-../shared}/models/stories260K"
}

@test "info tells shape and weights of a folder, a GGUF file and a preset" {
	run -0 jmodel info tests/ref/qwen3/tied
	[[ "$output" == *"qwen3, F32"* ]]
	[[ "$output" == *"heads 4 (2 kv) x 16"* ]]
	run -0 jmodel info --json 125m
	[[ "$output" == *'"weights":109529856'* ]]
	jmodel convert tests/ref/qwen3/tied "$d/q.gguf" -q
	run -0 jmodel info --json "$d/q.gguf"
	[[ "$output" == *'"format":"gguf"'* ]]
	[[ "$output" == *'"tied":true'* ]]
}

@test "info of what is no model names it and fails" {
	run jmodel info "$d/absent"
	[ "$status" -ne 0 ]
	[[ "$output" == *absent* ]]
	echo '{"model_type":"mamba"}' >"$d/config.json"
	run -1 jmodel info "$d"
	[[ "$output" == *"llama, qwen3"* ]]
	run -1 jmodel info tests/ref/make_models.py
	[[ "$output" == *"not a model"* ]]
}

@test "folder to GGUF and back computes the same, for every architecture" {
	for m in llama/gqa llama/scaled qwen3/tied qwen3/untied; do
		jmodel convert "tests/ref/$m" "$d/m.gguf" -q
		jmodel convert "$d/m.gguf" "$d/back" -q
		run -0 jmodel verify "tests/ref/$m" "$d/back"
		[[ "$output" == *'"max_logit_diff":0,'* ]]
		cmp <(jmodel logits -m "tests/ref/$m" --ids 1,2,3) <(jmodel logits -m "$d/back" --ids 1,2,3)
	done
}

@test "verify finds a difference: exit code 4" {
	jmodel convert --type bf16 tests/ref/llama/gqa "$d/b" -q
	run -4 jmodel verify tests/ref/llama/gqa "$d/b"
	[[ "$output" == *'"same":false'* ]]
	run -0 jmodel verify --tolerance 1 tests/ref/llama/gqa "$d/b"
	run jmodel verify tests/ref/llama/gqa tests/ref/qwen3/tied
	[ "$status" -ne 0 ]
	[[ "$output" == *shape* ]]
}

@test "a conversion that fails leaves nothing behind" {
	run -2 jmodel convert --type q8_0 tests/ref/llama/gqa "$d/folder"
	[ ! -e "$d/folder" ]
	run -1 jmodel convert "$d/absent" "$d/x.gguf"
	[ -z "$(ls -A "$d")" ]
}

@test "logits do not depend on -j; gradients do not depend on -j or recomputation" {
	cmp <(jmodel logits -m tests/ref/qwen3/tied --ids 5,6,7,8 -j 1) \
		<(jmodel logits -m tests/ref/qwen3/tied --ids 5,6,7,8 -j 4)
	jmodel gradients -m tests/ref/qwen3/tied --ids 5,6,7,8,9 -j 1 -o "$d/1"
	jmodel gradients -m tests/ref/qwen3/tied --ids 5,6,7,8,9 -j 4 -o "$d/4"
	jmodel gradients -m tests/ref/qwen3/tied --ids 5,6,7,8,9 --recompute -o "$d/r"
	cmp "$d/1" "$d/4"
	cmp "$d/1" "$d/r"
}

@test "logits: one array per position; ids from a file; bad ids are refused" {
	run -0 jmodel logits -m tests/ref/llama/gqa --ids 1,2,3
	[ "${#lines[@]}" -eq 3 ]
	echo '[1, 2, 3]' >"$d/ids"
	[ "$(jmodel logits -m tests/ref/llama/gqa --ids "@$d/ids")" = "$output" ]
	run -2 jmodel logits -m tests/ref/llama/gqa --ids 1,x
	run -2 jmodel logits -m tests/ref/llama/gqa --ids 96
	[[ "$output" == *96* ]]
}

@test "llama2.c file to a folder and to GGUF: the same story" {
	[ -d "$stories" ] || skip "no shared models (J_TEST_SHARED)"
	jmodel convert --tokenizer "$stories/tok512.bin" "$stories/stories260K.bin" "$d/s" -q
	jmodel convert --tokenizer "$stories/tok512.bin" "$stories/stories260K.bin" "$d/s.gguf" -q
	for m in "$d/s" "$d/s.gguf" "$stories/stories260K.gguf"; do
		jgen complete -m "$m" -p "" -n 256 --temperature 0 -q | cmp - "$stories/expected_greedy.txt"
	done
}

@test "a folder in parts of a size, with an index, is the same model" {
	jmodel convert -q --shard-size 8K tests/ref/mixtral/tiny "$d/parts"
	[ "$(ls "$d/parts" | grep -c '^model-0000.-of-00007.safetensors$')" -eq 7 ]
	[ ! -e "$d/parts/model.safetensors" ]
	grep -q '"total_size": ' "$d/parts/model.safetensors.index.json"
	grep -q '"model.embed_tokens.weight": "model-00001-of-00007.safetensors"' "$d/parts/model.safetensors.index.json"
	jmodel convert -q "$d/parts" "$d/one"
	jmodel convert -q tests/ref/mixtral/tiny "$d/straight"
	cmp "$d/one/model.safetensors" "$d/straight/model.safetensors"
	rm "$d/parts/model-00004-of-00007.safetensors"
	run jmodel info "$d/parts"
	run jmodel convert -q "$d/parts" "$d/two"
	[ "$status" -ne 0 ]
	[[ "$output" == *"model-00004-of-00007.safetensors"* ]]
}

@test "an encoder with its WordPiece vocabulary goes into GGUF and back" {
	n=$(sed -n 's/.*"vocab_size": \([0-9]*\).*/\1/p' tests/ref/bert/tiny/config.json)
	cp -r tests/ref/bert/tiny "$d/bert"
	{ printf '%s\n' '[PAD]' '[UNK]' '[CLS]' '[SEP]' '[MASK]' hell '##o' world '##s' un '##do' ! ',' 'ü' 日
		for i in $(seq 16 "$n"); do printf 'w%d\n' "$i"; done; } >"$d/bert/vocab.txt"
	jmodel convert -q "$d/bert" "$d/b.gguf"
	jmodel convert -q "$d/b.gguf" "$d/back"
	for text in 'Hello, worlds!' 'undo Hellos  日 ü x' ''; do
		printf '%s\n' "$text" >"$d/text"
		jtokenize ids -t "$d/bert" "$d/text" >"$d/want"
		jtokenize ids -t "$d/b.gguf" "$d/text" | cmp - "$d/want"
		jtokenize ids -t "$d/back" "$d/text" | cmp - "$d/want"
	done
	jgen embed -q -m "$d/bert" -p 'Hello, worlds!' >"$d/want"
	jgen embed -q -m "$d/b.gguf" -p 'Hello, worlds!' | cmp - "$d/want"
}
