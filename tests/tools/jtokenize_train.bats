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

@test "extend: ids stay, and the end is that of one run" {
	jtokenize train -v 800 --no-prov -q -o "$d/one" $text
	jtokenize train -v 500 --no-prov -q -o "$d/half" $text
	jtokenize train --extend "$d/half" -v 800 --no-prov -q -j 3 -M 100K -o "$d/two" $text
	diff -r "$d/one" "$d/two"
	run -2 jtokenize train --extend "$d/one" -v 800 -q -o "$d/no" $text
	[[ "$output" == *"more than the 800 tokens"* ]]
	run -2 jtokenize train --extend "$d/one" --special-token '<x>' -v 900 -q -o "$d/no" $text
	x="${J_TEST_SHARED:-../shared}/data/tokenizers"
	[ -d "$x/gpt2" ] || skip "no shared data: see J_TEST_SHARED"
	yes 'zxqvw kjhgf' | head -n 50 >"$d/new.txt"
	jtokenize train --extend "$x/gpt2" -v 50262 -q -o "$d/more" "$d/new.txt"
	jq -c '.model.vocab | to_entries | map(select(.value < 50257)) | sort_by(.value)' "$d/more/tokenizer.json" >"$d/a"
	jq -c '.model.vocab | to_entries | sort_by(.value)' "$x/gpt2/tokenizer.json" | cmp - "$d/a"
	[ "$(jtokenize ids -t "$d/more" -q --special <<<'<|endoftext|>')" = '[50256]' ]
	[ "$(jtokenize ids -t "$d/more" -q <"$d/new.txt" | jq -s 'add | max >= 50257')" = true ]
	[ "$(jtokenize ids -t "$d/more" -q <$text | jq -s 'add | length')" = \
		"$(jtokenize ids -t "$x/gpt2" -q <$text | jq -s 'add | length')" ]
	run -1 jtokenize train --extend "$x/bert" -v 40000 -q -o "$d/no" $text
}

@test "choose: sizes are those of runs of their own, the cheapest is taken" {
	head -n 60 $text >"$d/held"
	jtokenize train -v 800 --min-frequency 1 --choose --model 125m --held-out "$d/held" -o "$d/best" $text 2>"$d/log"
	for v in 400 800; do
		jtokenize train -v $v --min-frequency 1 -q -o "$d/$v" $text
		grep -q "vocabulary $v: $(jtokenize count -q -t "$d/$v" "$d/held" | jq .tokens) tokens of" "$d/log"
	done
	best=$(grep -o 'vocabulary .*' "$d/log" | sed 's/vocabulary \([0-9]*\):.*, \([^ ]*\) a byte/\2 \1/' | sort -g | head -n 1)
	[ "$(jq '.model.vocab | length' "$d/best/tokenizer.json")" -eq "${best#* }" ]
	jtokenize train -v 800 --min-frequency 1 -q --choose --model 125m --held-out "$d/held" --no-prov -o "$d/again" $text
	cmp "$d/best/tokenizer.json" "$d/again/tokenizer.json"
	run -2 jtokenize train --choose -q -o "$d/no" $text
	run -2 jtokenize train --choose --model none --held-out "$d/held" -q -o "$d/no" $text
	[ ! -e "$d/no" ]
}

@test "refused: no output, too small, no text; nothing is left" {
	run -2 jtokenize train -q $text
	run -2 jtokenize train -v 100 -q -o "$d/x" $text
	[[ "$output" == *"at least 260"* ]]
	run -1 jtokenize train -q -o "$d/x" /dev/null
	J_WORK=$d/none run -1 jtokenize train -M 20K -q -o "$d/x" $text
	[[ "$output" == *"$d/none"* ]]
	[ ! -e "$d/x" ]
	[ -z "$(ls -A "$d")" ]
}

@test "templates of a file, with all variables given: the bytes of Jinja2" {
	for name in tools slices format; do
		jtokenize template --template tests/ref/templates/$name.jinja --vars -q tests/ref/templates/$name.json |
			cmp - tests/ref/templates/$name.txt
	done
	run -1 jtokenize template --template tests/ref/templates/refuse.jinja --vars -q tests/ref/templates/refuse.json
	[[ "$output" == *"Roles must alternate, 2"* ]]
	run -1 jtokenize template --template tests/ref/templates/tools.jinja --vars -q <<<'[]'
	[[ "$output" == *"object of variables"* ]]
	printf '{{ messages[0].content }} {{' >"$d/broken.jinja"
	run -1 jtokenize template --template "$d/broken.jinja" --vars -q <<<'{}'
	[[ "$output" == *"broken.jinja"* ]]
}
