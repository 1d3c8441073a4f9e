#!/usr/bin/env bats
# jtokenize train and template.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	PATH="$(cd "${J_BIN:-bin}" && pwd):$PATH"
	d="$BATS_TEST_TMPDIR"
	text=tests/ref/tok/train.txt
}

@test "the merges of Hugging Face, the same files for any -j and -M" {
	for pre in gpt2 llama3 qwen2; do
		jtokenize train -v 1500 --pre $pre --no-prov -q -o "$d/$pre" $text
		jq -r '.model.merges[] | join(" ")' "$d/$pre/tokenizer.json" | cmp - tests/ref/tok/merges-$pre.txt
	done
	jtokenize train -v 1500 --no-prov -q -j 3 -M 100K -o "$d/small" $text
	diff -r "$d/llama3" "$d/small"
}

@test "special tokens first, ChatML, roles" {
	jtokenize train -v 300 -q -o "$d/t" $text
	[ "$(jq -c '[.added_tokens[].content]' "$d/t/tokenizer.json")" = \
		'["<|endoftext|>","<|im_start|>","<|im_end|>","<|pad|>"]' ]
	[ "$(jq -r '.eos_token + .pad_token' "$d/t/tokenizer_config.json")" = '<|endoftext|><|pad|>' ]
	echo '[{"role":"user","content":"hi"}]' | jtokenize template -t "$d/t" -q --generation-prompt >"$d/out"
	printf '<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n' | cmp - "$d/out"
	jtokenize train -v 300 -q --special-token '<a>' --special-token '<b>' -o "$d/u" $text
	[ "$(echo '<b>' | jtokenize ids -t "$d/u" --special -q)" = "[1]" ]
}

@test "records and their text give the same tokenizer as the text" {
	jq -Rc '{text: (. + "\n")}' $text >"$d/docs.jsonl"
	jtokenize train -v 600 --no-prov -q -o "$d/a" $text
	jtokenize train -v 600 --no-prov -q -o "$d/b" "$d/docs.jsonl"
	diff -r "$d/a" "$d/b"
}

@test "refused: no output, too small, no text; nothing is left" {
	run -2 jtokenize train -q $text
	run -2 jtokenize train -v 100 -q -o "$d/x" $text
	[[ "$output" == *"at least 260"* ]]
	run -1 jtokenize train -q -o "$d/x" /dev/null
	run -1 jtokenize train -M 20K -q -o "$d/x" $text
	[[ "$output" == *"-M"* ]]
	[ ! -e "$d/x" ]
	[ -z "$(ls -A "$d")" ]
}
