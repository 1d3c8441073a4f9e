#!/usr/bin/env bats
# jeval ppl.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	PATH="$(cd "${J_BIN:-bin}" && pwd):$PATH"
	d="$BATS_TEST_TMPDIR"
	stories="${J_TEST_SHARED:-../shared}/models/stories260K"
	[ -d "$stories" ] || skip "no shared models (J_TEST_SHARED)"
	m=(-m "$stories/stories260K.bin" --tokenizer "$stories/tok512.bin" -q)
	printf '%s\n' '{"text":"Once upon a time, there was a little girl."}' \
		'{"text":"Tom and Sue went to the park. They saw a big dog."}' >"$d/docs.jsonl"
}

field() { # NAME: of the record on standard input
	sed "s/.*\"$1\":\([^,}]*\).*/\1/"
}

@test "one record with all figures, which fit each other" {
	jeval ppl "${m[@]}" "$d/docs.jsonl" >"$d/out"
	[ "$(wc -l <"$d/out")" -eq 1 ]
	[ "$(field bytes <"$d/out")" = 91 ]
	[ "$(field words <"$d/out")" = 21 ]
	[ "$(field docs <"$d/out")" = 2 ]
	awk -v nll="$(field nll <"$d/out")" -v n="$(field tokens <"$d/out")" \
		-v ppl="$(field ppl <"$d/out")" -v bpb="$(field bpb <"$d/out")" 'BEGIN {
		a = exp(nll / n) - ppl; b = nll / 91 / log(2) - bpb
		exit !(a * a < 1e-12 && b * b < 1e-12) }'
	grep -q '"stderr":0\.' "$d/out"
}

@test "text, standard input and -j give the same figures; one document has no standard error" {
	printf 'Once upon a time, there was a little girl.' >"$d/a.txt"
	head -n 1 "$d/docs.jsonl" >"$d/a.jsonl"
	jeval ppl "${m[@]}" "$d/a.txt" >"$d/1"
	cmp "$d/1" <(jeval ppl "${m[@]}" "$d/a.jsonl")
	cmp "$d/1" <(jeval ppl "${m[@]}" - <"$d/a.txt")
	cmp "$d/1" <(jeval ppl "${m[@]}" <"$d/a.jsonl")
	cmp "$d/1" <(jeval ppl "${m[@]}" -j 1 "$d/a.txt")
	! grep -q stderr "$d/1"
}

@test "shards score as the documents they were made of" {
	jtokenize encode -t "$stories/tok512.bin" -o "$d/shards" -q "$d/docs.jsonl"
	a=$(jeval ppl "${m[@]}" "$d/docs.jsonl")
	b=$(jeval ppl "${m[@]}" "$d/shards")
	for f in tokens bytes words nll; do
		[ "$(field $f <<<"$a")" = "$(field $f <<<"$b")" ]
	done
}

@test "windows: a small context costs, a silly one is refused; nothing to score fails" {
	a=$(jeval ppl "${m[@]}" "$d/docs.jsonl" | field nll)
	b=$(jeval ppl "${m[@]}" --context 4 "$d/docs.jsonl" | field nll)
	awk -v a="$a" -v b="$b" 'BEGIN { exit !(b > a) }'
	run -2 jeval ppl "${m[@]}" --context 1 "$d/docs.jsonl"
	: >"$d/empty"
	run -1 jeval ppl "${m[@]}" "$d/empty"
	run -1 jeval ppl "${m[@]}" "$d/absent"
	printf '{"text":"a"}\n{"txt":"b"}\n' >"$d/bad.jsonl"
	run -1 jeval ppl "${m[@]}" "$d/bad.jsonl"
	[[ "$output" == *"bad.jsonl:2"* ]]
}
