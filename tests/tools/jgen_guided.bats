#!/usr/bin/env bats
# jgen complete held to a schema, a grammar or a regular expression; penalties and log-probabilities.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	PATH="$(cd "${J_BIN:-bin}" && pwd):$PATH"
	d="$BATS_TEST_TMPDIR"
	m="${J_TEST_SHARED:-../shared}/models/stories260K/stories260K.gguf"
	[ -e "$m" ] || skip "no $m"
	wild="--temperature 1.5 --top-k 0 --top-p 1 --min-p 0"
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		printf '{"id":"r%d","prompt":"Once"}\n' $i
	done >"$d/in.jsonl"
}

@test "schema: every answer is whole and valid, the same at any number of slots" {
	cat >"$d/s.json" <<-'END'
		{"type": "object", "properties": {"name": {"type": "string", "maxLength": 12},
		 "age": {"type": "integer", "minimum": 7, "maximum": 99},
		 "kind": {"enum": ["cat", "dog"]}}, "required": ["name", "age", "kind"]}
	END
	jgen complete -m "$m" -n 80 -q $wild --schema "$d/s.json" --slots 1 "$d/in.jsonl" >"$d/1"
	jgen complete -m "$m" -n 80 -q $wild --schema "$d/s.json" --slots 5 -j 2 "$d/in.jsonl" >"$d/5"
	cmp "$d/1" "$d/5"
	[ "$(jq -r 'select(.finish == "stop") | .text | fromjson | select(.age >= 7 and .age <= 99
		and (.name | length) <= 12 and (.kind == "cat" or .kind == "dog")) | .age' "$d/1" | wc -l)" -eq 12 ]
}

@test "regular expressions and GBNF" {
	jgen complete -m "$m" -n 60 -q $wild --regex '[A-Z][a-z]{2,9}( [a-z]{1,8}){0,4}[.!]' "$d/in.jsonl" \
		>"$d/out"
	[ "$(jq -r .text "$d/out" | grep -cxE '[A-Z][a-z]{2,9}( [a-z]{1,8}){0,4}[.!]')" -eq 12 ]
	printf 'root ::= "(" (root | [0-9]+) ")"\n' >"$d/g.gbnf"
	jgen complete -m "$m" -n 40 -q $wild --grammar "$d/g.gbnf" "$d/in.jsonl" >"$d/out"
	[ "$(jq -r 'select(.finish == "stop") | .text' "$d/out" | grep -cxE '\(+[0-9]+\)+')" -eq 12 ]
}

@test "a form that cannot be held is refused with file, line and keyword" {
	printf '{"type": "string",\n "not": {"const": "x"}}\n' >"$d/s.json"
	run -2 jgen complete -m "$m" -p x --schema "$d/s.json" --regex a
	run -1 jgen complete -m "$m" -p x --schema "$d/s.json"
	[[ "$output" == *"s.json:2: the keyword \"not\""* ]]
	run -1 jgen complete -m "$m" -p x --regex '(?<=a)b'
	[[ "$output" == *look-around* ]]
}

@test "biases and penalties change what is drawn; log-probabilities do not" {
	jgen complete -m "$m" -n 8 -q --temperature 0 --logprobs 2 "$d/in.jsonl" | head -n 1 >"$d/plain"
	first=$(jq '.ids[0]' "$d/plain")
	jgen complete -m "$m" -n 8 -q --temperature 0 --logprobs 2 --logit-bias "$first=-inf" "$d/in.jsonl" |
		head -n 1 >"$d/ban"
	[ "$(jq '.ids[0]' "$d/ban")" -eq "$(jq '.logprobs[0].top[1].id' "$d/plain")" ]
	[ "$(jq -c '.logprobs[0].top' "$d/ban")" = "$(jq -c '.logprobs[0].top' "$d/plain")" ]
	[ "$(jq '.logprobs | length' "$d/plain")" -eq 8 ]
	[ "$(jq -r '[.logprobs[] | .logprob == .top[0].logprob] | all' "$d/plain")" = true ]
	run -2 jgen complete -m "$m" -p x --logit-bias 9999=1
	run -2 jgen complete -m "$m" -p x --dry-base 0.5
}

@test "speculation: the same bytes with and without, by lookup and by a draft model, also under a schema" {
	jgen complete -m "$m" -n 120 -q $wild "$d/in.jsonl" >"$d/plain"
	jgen complete -m "$m" -n 120 -q $wild --speculate 5 --slots 3 "$d/in.jsonl" >"$d/lookup"
	jgen complete -m "$m" -n 120 -q $wild --speculate 3 --draft "$m" "$d/in.jsonl" >"$d/draft"
	cmp "$d/plain" "$d/lookup"
	cmp "$d/plain" "$d/draft"
	jgen complete -m "$m" -n 200 --temperature 0 -q -p 'Once' >"$d/plain"
	jgen complete -m "$m" -n 200 --temperature 0 -v --speculate 4 --draft "$m" -p 'Once' >"$d/draft" 2>"$d/log"
	cmp "$d/plain" "$d/draft"
	grep -q 'tokens guessed' "$d/log"
	jgen complete -m "$m" -n 60 -q $wild --regex '(ab|cd)*e' "$d/in.jsonl" >"$d/plain"
	jgen complete -m "$m" -n 60 -q $wild --regex '(ab|cd)*e' --speculate 6 "$d/in.jsonl" >"$d/lookup"
	cmp "$d/plain" "$d/lookup"
	run -2 jgen complete -m "$m" -p x --draft "$m"
}

@test "a shared prefix and a saved cache give the same bytes as computing everything" {
	for i in 1 2 3 4 5 6 7 8 9; do
		printf '{"id":"%d","prompt":"Once upon a time there was a girl who had %d cats and a dog. One day"}\n' $i $((i % 4))
	done >"$d/p.jsonl"
	jgen complete -m "$m" -n 30 -q --slots 3 "$d/p.jsonl" >"$d/shared"
	jgen complete -m "$m" -n 30 -q --slots 3 --no-share-prefix "$d/p.jsonl" >"$d/whole"
	cmp "$d/shared" "$d/whole"
	p="Once upon a time there was a little girl"
	jgen complete -m "$m" -n 40 -q -p "$p named Lily" >"$d/plain"
	jgen complete -m "$m" -n 9 -q -p "$p" --cache "$d/kv" >"$d/first"
	jgen complete -m "$m" -n 40 -v -p "$p named Lily" --cache "$d/kv" >"$d/second" 2>"$d/log"
	cmp "$d/plain" "$d/second"
	grep -q '([1-9][0-9]* known)' "$d/log"
	head -c 2000 "$d/kv" >"$d/cut"
	run -1 jgen complete -m "$m" -n 4 -p "$p" --cache "$d/cut"
	run -2 jgen complete -m "$m" -n 4 --cache "$d/kv" "$d/p.jsonl"
	jmodel convert --type q8_0 -q "$m" "$d/other.gguf"
	run -2 jgen complete -m "$d/other.gguf" -n 4 -p "$p" --cache "$d/kv"
	[[ "$output" == *"another model"* ]]
	run -2 jgen complete -m "$m" -n 4 -p "$p" --cache "$d/kv" --cache-type f16
	[[ "$output" == *"kept as F32"* ]]
	for t in f16 q8_0; do
		jgen complete -m "$m" --cache-type $t -n 40 -q -p "$p named Lily" >"$d/plain"
		jgen complete -m "$m" --cache-type $t -n 9 -q -p "$p" --cache "$d/kv.$t" >"$d/first"
		jgen complete -m "$m" --cache-type $t -n 40 -q -p "$p named Lily" --cache "$d/kv.$t" >"$d/second"
		cmp "$d/plain" "$d/second"
	done
	sed 's/"kv_cache":"2"/"kv_cache":"1"/' "$d/kv" >"$d/old"
	run -1 jgen complete -m "$m" -n 4 -p "$p" --cache "$d/old"
	[[ "$output" == *"a saved cache of version 1, expected 2"* ]]
}
