#!/usr/bin/env bats
# jgen embed, and prompts beyond the context.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	PATH="$(cd "${J_BIN:-bin}" && pwd):$PATH"
	d="$BATS_TEST_TMPDIR"
	printf '%s\n' '{"text":"a b c d e f g h i j k l m n o p q r s t u v w x y z"}' >"$d/docs.jsonl"
	jtrain pretrain --model nano --tokenizer tests/ref/bytetok --data "$d/docs.jsonl" --batch 1 --seq 64 \
		--steps 1 --lr 1e-3 -q -o "$d/m"
	long=$(printf 'word %.0s' {1..40})
}

@test "vectors of length 1 that depend on their text alone" {
	printf '{"id":%d,"text":"%s"}\n' 1 cat 2 dog 3 cat >"$d/in"
	jgen embed -q -m "$d/m" "$d/in" >"$d/out"
	[ "$(jq -s '(.[0].embedding == .[2].embedding) and (.[0].embedding != .[1].embedding)' "$d/out")" = true ]
	jq -e '([.embedding[] | . * .] | add) as $n | $n > 0.9999 and $n < 1.0001' "$d/out" >/dev/null
	[ "$(jgen embed -q -m "$d/m" -p dog | jq -c .)" = "$(jq -sc '.[1].embedding' "$d/out")" ]
}

@test "an encoder: its tokens around the text, the rows pooled" {
	bert="${J_TEST_SHARED:-../shared}/models/bert_tiniest"
	[ -d "$bert" ] || skip "no $bert"
	[ "$(jgen embed -q -m "$bert" -p 'hello world' | jq -c 'map(. * 1000 | round)')" = '[-446,776,105,-434]' ]
}

@test "texts beyond the context are refused with both numbers, or cut on request" {
	printf '{"text":"%s"}\n{"text":""}\n{"t":1}\n' "$long" >"$d/in"
	jgen embed -q -m "$d/m" --rejects "$d/rej" "$d/in" >"$d/out"
	[ ! -s "$d/out" ]
	[ "$(wc -l <"$d/rej")" -eq 3 ]
	grep -q '200 tokens, the context 64' "$d/rej"
	jgen embed -q -m "$d/m" --truncate --rejects "$d/rej" "$d/in" >"$d/out"
	[ "$(wc -l <"$d/out")" -eq 1 ]
	run -1 jgen complete -m "$d/m" -q -n 5 -p "$long"
	[[ "$output" == *"200 tokens, the context 64"* ]]
	jgen complete -m "$d/m" -q -n 5 --truncate --ignore-eos -p "$long" >"$d/out"
	printf '{"prompt":"%s"}\n' "$long" | jgen complete -m "$d/m" -q -n 5 --truncate | jq -e .finish >/dev/null
	printf '{"prompt":"%s"}\n' "$long" | jgen complete -m "$d/m" -q -n 5 --rejects "$d/rej"
	grep -q '200 tokens, the context 64' "$d/rej"
}
