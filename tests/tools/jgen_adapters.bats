#!/usr/bin/env bats
# jgen complete: adapters that records name.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	PATH="$(cd "${J_BIN:-bin}" && pwd):$PATH"
	d="$BATS_TEST_TMPDIR"
	m=tests/ref/llama/gqa
	a=tests/ref/adapter
	for i in $(seq 64); do
		case $((i % 4)) in
		0) w= ;;
		1) w=',"adapter":"lora"' ;;
		2) w=',"adapter":"rslora"' ;;
		3) w=',"adapter":"dora_ends"' ;;
		esac
		printf '{"id":"r%d","ids":[5,6,7,%d,%d]%s}\n' "$i" $((i / 8)) $((i / 16)) "$w"
	done >"$d/in.jsonl"
	o=(-m $m --ids -n 12 -q --ignore-eos)
	named=(--adapter "lora=$a/lora" --adapter "rslora=$a/rslora" --adapter "dora_ends=$a/dora_ends")
}

@test "mixed adapters: the bytes of an answer are those that its adapter gives alone" {
	jgen complete "${o[@]}" "${named[@]}" "$d/in.jsonl" >"$d/mixed"
	for w in lora rslora dora_ends; do
		grep "\"$w\"" "$d/mixed" >"$d/want"
		grep "\"$w\"" "$d/in.jsonl" | sed 's/,"adapter":"[a-z_]*"//' |
			jgen complete "${o[@]}" --adapter $a/$w | sed 's/,"adapter":"[a-z_]*"//' >"$d/alone"
		[ "$(wc -l <"$d/alone")" -eq 16 ]
		cmp <(sed 's/,"adapter":"[a-z_]*"//' "$d/want") "$d/alone"
	done
	cmp <(grep -v adapter "$d/mixed") <(grep -v adapter "$d/in.jsonl" | jgen complete "${o[@]}")
	[ "$(sed 's/"id":"[^"]*"//; s/.*"ids"/"ids"/' "$d/mixed" | sort -u | wc -l)" -gt 40 ]
}

@test "mixed adapters: any number of slots and threads, shared or not, guessed ahead, any cache" {
	for t in f32 f16 q8_0; do
		r=(complete "${o[@]}" "${named[@]}" --cache-type $t "$d/in.jsonl")
		jgen "${r[@]}" --slots 1 -j 1 >"$d/1"
		jgen "${r[@]}" --slots 8 -j 2 >"$d/8"
		jgen "${r[@]}" --slots 64 -j 3 >"$d/64"
		jgen "${r[@]}" --slots 7 --no-share-prefix >"$d/whole"
		cmp "$d/1" "$d/8"
		cmp "$d/1" "$d/64"
		jgen "${r[@]}" --slots 64 -M 120K >"$d/small"
		cmp "$d/1" "$d/whole"
		cmp "$d/1" "$d/small"
		jgen "${r[@]}" --temperature 0 >"$d/0"
		jgen "${r[@]}" --temperature 0 --speculate 4 --slots 64 >"$d/guessed"
		cmp "$d/0" "$d/guessed"
	done
}

@test "a folder of adapters: read when one is named, given back when there are too many" {
	jgen complete "${o[@]}" "${named[@]}" "$d/in.jsonl" >"$d/want"
	for kept in 1 2 64; do
		jgen complete "${o[@]}" --adapters $a --adapters-kept $kept --slots 5 "$d/in.jsonl" >"$d/out"
		cmp "$d/want" "$d/out"
	done
	printf '{"ids":[1],"adapter":"%s"}\n' none ../adapter/lora .. ends experts lora >"$d/bad"
	echo '{"ids":[1],"adapter":3}' >>"$d/bad"
	jgen complete "${o[@]}" --adapters $a --rejects "$d/rej" "$d/bad" >"$d/out"
	[ "$(wc -l <"$d/out")" -eq 1 ]
	[ "$(grep -c '"drop":"no adapter is called' "$d/rej")" -eq 2 ]
	grep -q '"drop":".*replaces weights of the base' "$d/rej"
	grep -q '"drop":"adapter is not a name"' "$d/rej"
	[ "$(wc -l <"$d/rej")" -eq 6 ]
}

@test "adapters that cannot have names are refused in one line that says what can be done" {
	for x in "$m ends" "tests/ref/mixtral/tiny experts"; do
		run -1 --separate-stderr jgen complete -m "${x% *}" -n 2 -q --ids --adapter "x=$a/${x#* }" "$d/in.jsonl"
		[[ "$stderr" == *"only alone (--adapter DIR) or merged (jmodel merge)"* ]]
		[ "$(wc -l <<<"$stderr")" -eq 1 ]
		echo '{"ids":[1,2]}' | jgen complete -m "${x% *}" -n 2 -q --ids --adapter "$a/${x#* }" | jq -e .ids >/dev/null
	done
}

@test "usage of adapters" {
	run -2 jgen complete "${o[@]}" --adapter $a/lora --adapter $a/rslora "$d/in.jsonl"
	run -2 jgen complete "${o[@]}" --adapter $a/lora "${named[@]}" "$d/in.jsonl"
	run -2 jgen complete -m $m --tokenizer tests/ref/bytetok -p x "${named[@]}"
	[[ "$output" == *"go with records"* ]]
	run -2 jgen complete "${o[@]}" "${named[@]}" --adapter "lora=$a/lora" "$d/in.jsonl"
	[[ "$output" == *"taken"* ]]
	run jgen complete "${o[@]}" --adapter "x=$a/nothing" "$d/in.jsonl"
	[ "$status" -ne 0 ]
	run jgen complete "${o[@]}" --adapter "x=$a/ends" "$d/in.jsonl"
	[[ "$output" == *"replaces weights"* ]]
	jgen complete "${o[@]}" "$d/in.jsonl" --rejects "$d/rej" >"$d/out"
	[ "$(wc -l <"$d/out")" -eq 16 ]
}
