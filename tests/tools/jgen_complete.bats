#!/usr/bin/env bats
# jgen complete and chat.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	PATH="$(cd "${J_BIN:-bin}" && pwd):$PATH"
	d="$BATS_TEST_TMPDIR"
	m=tests/ref/llama/gqa
	stories="${J_TEST_SHARED:-../shared}/models/stories260K"
	for i in 1 2 3 4 5 6 7 8 9; do
		printf '{"id":"r%d","ids":[%d,%d],"keep":1.50}\n' $i $((i + 10)) $((i * 9))
	done >"$d/in.jsonl"
}

@test "records: same bytes for any number of slots and threads, order kept" {
	jgen complete -m $m --ids -n 12 -q --slots 1 -j 1 "$d/in.jsonl" >"$d/1"
	jgen complete -m $m --ids -n 12 -q --slots 4 -j 2 "$d/in.jsonl" >"$d/4"
	jgen complete -m $m --ids -n 12 -q --slots 100 -j 3 - <"$d/in.jsonl" >"$d/100"
	cmp "$d/1" "$d/4"
	cmp "$d/1" "$d/100"
	[ "$(grep -o '"id":"r[0-9]"' "$d/1" | tr -dc 0-9)" = 123456789 ]
	[ "$(grep -c '"keep":1.50,"finish":"' "$d/1")" -eq 9 ]
}

@test "random choices hang on the record's id, not on its place" {
	jgen complete -m $m --ids -n 12 -q "$d/in.jsonl" >"$d/all"
	tail -n 1 "$d/in.jsonl" | jgen complete -m $m --ids -n 12 -q >"$d/last"
	cmp <(tail -n 1 "$d/all") "$d/last"
	jgen complete -m $m --ids -n 12 -q --seed 1 "$d/in.jsonl" >"$d/other"
	! cmp -s "$d/all" "$d/other"
}

@test "records that cannot be used are counted, kept and told why" {
	{ echo '{"ids":[1,700]}'; echo '{"prompt":"x"}'; echo 'no json'; echo '{"ids":[]}'
	  echo '{"ids":[3]}'; } >"$d/bad.jsonl"
	jgen complete -m $m --ids -n 2 -q --rejects "$d/rej" "$d/bad.jsonl" >"$d/out"
	[ "$(wc -l <"$d/out")" -eq 1 ]
	[ "$(wc -l <"$d/rej")" -eq 4 ]
	[ "$(grep -c '"drop":"' "$d/rej")" -eq 4 ]
	run -3 jgen complete -m $m --ids -n 2 -q --max-bad 1 "$d/bad.jsonl"
}

@test "usage: no model, prompt and files, silly sampling" {
	run -2 jgen complete -p x
	run -2 jgen complete -m $m -p x "$d/in.jsonl"
	run -2 jgen complete -m $m --ids --temperature -1 "$d/in.jsonl"
	run -2 jgen complete -m $m -p x
	[[ "$output" == *--tokenizer* ]]
}

@test "the story, and stop strings" {
	[ -d "$stories" ] || skip "no shared models (J_TEST_SHARED)"
	s=(-m "$stories/stories260K.bin" --tokenizer "$stories/tok512.bin" --temperature 0 -q)
	jgen complete "${s[@]}" -p "" -n 256 | cmp - "$stories/expected_greedy.txt"
	[ "$(jgen complete "${s[@]}" -p "" --stop "little" -n 99)" = "Once upon a time, there was a " ]
	[ "$(jgen complete "${s[@]}" -p "Once upon a time" -n 4)" = ", there was a" ]
	run -0 jgen complete "${s[@]}" -n 3 <<<'{"prompt":"Once upon a time"}'
	[[ "$output" == *'"finish":"length"'* ]]
	[[ "$output" == *'"text":", there was"'* ]]
	run -1 jgen complete "${s[@]}" --context 4 -p "Once upon a time there was a cat"
	[[ "$output" == *"the context 4"* ]]
}

@test "chat renders the template of the tokenizer" {
	jmodel_dir="$d/model"
	printf '%s\n' '{"text":"a b c d e f g h i j k l m n o p q r s t u v w x y z"}' >"$d/docs.jsonl"
	jtrain pretrain --model nano --tokenizer tests/ref/bytetok --data "$d/docs.jsonl" --batch 1 \
		--seq 64 --steps 1 --lr 1e-3 -q -o "$jmodel_dir"
	run -0 jgen chat -m "$jmodel_dir" -n 4 --temperature 0 --ignore-eos -q <<<"hello"
	echo '[{"role":"user","content":"hello"}]' >"$d/m.json"
	run -0 jgen chat -m "$jmodel_dir" -n 4 -q --messages "$d/m.json"
	echo '{"messages":[{"role":"user","content":"hello"}]}' >"$d/r.jsonl"
	run -0 jgen complete -m "$jmodel_dir" -n 4 -q "$d/r.jsonl"
	[[ "$output" == *'"text":"'* ]]
	echo '{"role":"user"}' >"$d/m.json"
	run jgen chat -m "$jmodel_dir" -n 4 -q --messages "$d/m.json"
	[ "$status" -ne 0 ]
	run -1 jgen chat -m tests/ref/llama/gqa --tokenizer tests/ref/bytetok -q </dev/null
	[[ "$output" == *"259 ids, the model 96"* ]]
}

@test "cache types: the same bytes at any number of slots, in a pool too small for all, and guessed ahead" {
	jmodel_dir="$d/model"
	printf '%s\n' '{"text":"a b c d e f g h i j k l m n o p q r s t u v w x y z"}' >"$d/docs.jsonl"
	jtrain pretrain --model nano --tokenizer tests/ref/bytetok --data "$d/docs.jsonl" --batch 1 \
		--seq 256 --steps 1 --lr 1e-3 -q -o "$jmodel_dir"
	for i in 1 2 3 4 5 6 7 8 9; do
		printf '{"id":"r%d","prompt":"%s %d %s"}\n' $i "What all of these have in front" $i \
			"$(head -c $((i * 9)) tests/ref/bytetok/tokenizer.json | tr -dc 'a-z ')"
	done >"$d/p.jsonl"
	o=(-m "$jmodel_dir" -n 120 --ignore-eos "$d/p.jsonl")
	for t in f32 f16 q8_0 f16,q8_0; do
		jgen complete "${o[@]}" --cache-type $t -q --slots 1 -j 1 >"$d/1"
		jgen complete "${o[@]}" --cache-type $t -q --slots 9 -j 3 >"$d/9"
		jgen complete "${o[@]}" --cache-type $t -v --slots 9 -M 1600K --speculate 4 >"$d/small" 2>"$d/log"
		cmp "$d/1" "$d/9"
		cmp "$d/1" "$d/small"
		[ $t != f32 ] || grep -q ' 6 of 6 pages of .* [1-9][0-9]* sequences put off' "$d/log"
		[ $t = f32 ] || ! cmp -s "$d/1" "$d/f32"
		[ $t != f32 ] || cp "$d/1" "$d/f32"
	done
	jgen complete "${o[@]}" -q --slots 9 -M 600K --rejects "$d/rej" >"$d/out"
	[ "$(cat "$d/out" "$d/rej" | wc -l)" -eq 9 ]
	grep -q '"drop":"[0-9]* tokens do not fit into a cache of 2 pages' "$d/rej"
	run -1 jgen complete "${o[@]}" -q -M 100K
	[[ "$output" == *"does not hold 128 tokens"* ]]
	run -2 jgen complete "${o[@]}" -q --cache-type q4_0
	[[ "$output" == *"expected f32, f16 or q8_0"* ]]
}
