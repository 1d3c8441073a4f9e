#!/usr/bin/env bats
# jtokenize: shards, ids and back, counting, checking.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	PATH="$(cd "${J_BIN:-bin}" && pwd):$PATH"
	d="$BATS_TEST_TMPDIR"
	t=tests/ref/tok/gpt2.json
	awk '{ gsub(/[\\"\t]/, " "); printf "{\"id\":\"%d\",\"text\":\"%s\"}\n", NR, $0 }' \
		tests/ref/tok/train.txt >"$d/docs.jsonl"
}

@test "the same shard for any number of threads, from a file and from a pipe" {
	jtokenize encode -t $t -j 1 -q -o "$d/1.jsh" "$d/docs.jsonl"
	jtokenize encode -t $t -j 4 -q -o "$d/4.jsh" "$d/docs.jsonl"
	jtokenize -t $t -q <"$d/docs.jsonl" >"$d/pipe.jsh"
	cmp "$d/1.jsh" "$d/4.jsh"
	cmp "$d/1.jsh" "$d/pipe.jsh"
}

@test "works without options on the shipped tokenizer" {
	[ -d share/tokenizers/default ] || skip "no tokenizer in share/tokenizers/default"
	jtokenize -q <"$d/docs.jsonl" >"$d/a.jsh"
	jtokenize check -q "$d/a.jsh" | grep -q '"docs":'
}

@test "shards hold what ids tells, and a reader written from the page agrees" {
	command -v python3 >/dev/null || skip "no python3"
	jtokenize encode -t $t -q -o "$d/a.jsh" "$d/docs.jsonl"
	python3 tests/ref/read_jsh.py "$d/a.jsh" 5 >"$d/read"
	jtokenize check -q "$d/a.jsh" >"$d/check"
	n=$(wc -l <"$d/docs.jsonl")
	[ "$(cut -d' ' -f1 "$d/read" | head -n 1)" -eq "$n" ]
	grep -q "\"sha256\":\"$(head -n 1 "$d/read" | cut -d' ' -f3)\"" "$d/check"
	sed -n 6p "$d/docs.jsonl" | jq -r .text | jtokenize ids -t $t -q >"$d/ids"
	[ "$(jq -c '. + [0]' "$d/ids")" = "$(sed -n 2p "$d/read" | tr -d ' ')" ]
}

@test "a folder of shards is cut between documents and appears whole" {
	jtokenize encode -t $t -q -o "$d/set" --shard-tokens 1k "$d/docs.jsonl"
	[ "$(ls "$d"/set/*.jsh | wc -l)" -gt 3 ]
	jtokenize encode -t $t -q -o "$d/one.jsh" "$d/docs.jsonl"
	[ "$(jtokenize check -q "$d/set" | jq -c '[.docs,.tokens,.text_bytes]')" = \
		"$(jtokenize check -q "$d/one.jsh" | jq -c '[.docs,.tokens,.text_bytes]')" ]
	run ! jtokenize encode -t $t -q -o "$d/no" "$d/docs.jsonl" "$d/missing.jsonl"
	[ ! -e "$d/no" ]
	[ -z "$(find "$d" -name '*.tmp.*')" ]
}

@test "a kill leaves no folder and no temporary" {
	for i in 1 2 3 4 5 6 7 8; do cat "$d/docs.jsonl"; done >"$d/big.jsonl"
	mkfifo "$d/fifo"
	jtokenize encode -t $t -q -o "$d/killed" - <"$d/fifo" &
	pid=$!
	exec 8>"$d/fifo"
	# Done when all but what a pipe holds has been read; the input ends after the signal.
	cat "$d/big.jsonl" >&8
	kill -TERM $pid
	exec 8>&-
	wait $pid || status=$?
	[ "${status:-0}" -ne 0 ]
	[ ! -e "$d/killed" ]
	[ -z "$(find "$d" -name '*.tmp.*')" ]
}

@test "truncated and damaged shards are refused, with the block" {
	jtokenize encode -t $t -q -o "$d/a.jsh" "$d/docs.jsonl"
	head -c 600000 "$d/a.jsh" >"$d/cut.jsh"
	run -1 jtokenize check -q "$d/cut.jsh"
	[[ "$output" == *"no trailer"* ]]
	run -1 jtokenize check -q - <"$d/cut.jsh"
	{ head -c 5000 "$d/a.jsh"; printf x; tail -c +5002 "$d/a.jsh"; } >"$d/bad.jsh"
	run -1 jtokenize check -q "$d/bad.jsh"
	[[ "$output" == *"block 0"* ]]
}

@test "pairs carry a mask; mixed kinds need --mask; bad records are told" {
	printf '%s\n' '{"prompt":"a b","answer":"c"}' '{"text":"d"}' '{"no":1}' 'x' >"$d/p.jsonl"
	jtokenize encode -t $t -q -o "$d/p.jsh" --rejects "$d/rej" "$d/p.jsonl"
	jtokenize check -q "$d/p.jsh" | grep -q '"docs":2.*"mask":true'
	[ "$(jq -r .drop "$d/rej" | paste -sd,)" = "no text,not a record" ]
	printf '%s\n' '{"text":"d"}' '{"prompt":"a b","answer":"c"}' >"$d/q.jsonl"
	run -2 jtokenize encode -t $t -q -o "$d/q.jsh" "$d/q.jsonl"
	[[ "$output" == *"--mask"* ]]
	jtokenize encode -t $t -q --mask -o "$d/q.jsh" "$d/q.jsonl"
}

@test "ids and decode: order, threads, JSON lines, every character" {
	jq -c .text "$d/docs.jsonl" >"$d/lines"
	jtokenize ids -t $t -q --json -j 1 "$d/lines" >"$d/i1"
	jtokenize ids -t $t -q --json -j 3 "$d/lines" >"$d/i3"
	cmp "$d/i1" "$d/i3"
	jtokenize decode -t $t -q "$d/i1" | jq -c . | cmp - "$d/lines"
	[ "$(printf 'a\n\nb' | jtokenize ids -t $t -q | sed -n 2p)" = "[]" ]
	run -1 jtokenize ids -t $t -q --json <<<'{"no":"string"}'
	[[ "$output" == *":1:"* ]]
	run -2 jtokenize decode -t $t -q <<<'[999999]'
}

@test "special text is ordinary unless asked" {
	[ "$(echo '<|im_end|>' | jtokenize ids -t $t -q --special)" = "[2]" ]
	[ "$(echo '<|im_end|>' | jtokenize ids -t $t -q | tr , '\n' | wc -l)" -gt 3 ]
	[ "$(echo '[2,5]' | jtokenize decode -t $t -q)" = '"\""' ]
	[ "$(echo '[2,5]' | jtokenize decode -t $t -q --special)" = '"<|im_end|>\""' ]
}

@test "count agrees with ids; a text file is one document" {
	n=$(jtokenize ids -t $t -q --json <<<"$(jq -Rs . tests/ref/tok/train.txt)" | jq length)
	[ "$(jtokenize count -t $t -q tests/ref/tok/train.txt)" = \
		"{\"docs\":1,\"tokens\":$n,\"bytes\":$(wc -c <tests/ref/tok/train.txt)}" ]
}

@test "count --by: a record for each value or file, then the total" {
	printf '%s\n' '{"d":"x","text":"ab ab"}' '{"d":"y","text":"cd"}' '{"text":"e"}' '{"d":"x","text":"f"}' >"$d/b.jsonl"
	jtokenize count -t $t -q --by d -j 2 "$d/b.jsonl" >"$d/by"
	[ "$(jq -c '[.by,.docs,.bytes]' "$d/by" | paste -sd' ')" = '["",1,1] ["x",2,6] ["y",1,2] [null,4,9]' ]
	[ "$(jq -s '(.[:-1] | map(.tokens) | add) == .[-1].tokens' "$d/by")" = true ]
	jtokenize count -t $t -q --by file "$d/b.jsonl" tests/ref/tok/train.txt >"$d/by"
	[ "$(jq -r 'select(.by) | .by' "$d/by" | sort | tr '\n' ' ')" = "$d/b.jsonl tests/ref/tok/train.txt " ]
}

@test "offsets: each id has its bytes; a tokenizer that changes the text says so" {
	printf 'One & two\n wörld 你好 🙂<|im_end|>x' | jq -Rs . >"$d/line"
	jtokenize ids -t $t -q --json --offsets "$d/line" >"$d/o"
	[ "$(jq -c .ids "$d/o")" = "$(jtokenize ids -t $t -q --json "$d/line")" ]
	[ "$(jq '.offsets[0][0]' "$d/o") $(jq '.offsets[-1][1]' "$d/o")" = "0 $(jq -j . "$d/line" | wc -c)" ]
	[ "$(jq '[.offsets[1:], .offsets[:-1]] | transpose | all(.[0][0] == .[1][1])' "$d/o")" = true ]
	jq -j . "$d/line" >"$d/text"
	jq -r '[.ids, .offsets] | transpose | .[] | "\(.[0]) \(.[1][0]) \(.[1][1])"' "$d/o" | while read -r id a b; do
		tail -c +$((a + 1)) "$d/text" | head -c $((b - a)) >"$d/slice"
		echo "[$id]" | jtokenize decode -t $t -q | jq -j . >"$d/token"
		grep -q $'\xEF\xBF\xBD' "$d/token" || cmp "$d/slice" "$d/token"
	done
	x="${J_TEST_SHARED:-../shared}/data/tokenizers/bert"
	[ -d "$x" ] || skip "no shared data: see J_TEST_SHARED"
	run -1 jtokenize ids -t "$x" -q --offsets <<<'Hello'
	[[ "$output" == *"changes the text"* ]]
}

@test "chunks: the same ids, cut at N; only the last piece has the end of text" {
	whole="$(jtokenize ids -t $t -q <<<'one two three four five six seven')"
	jtokenize ids -t $t -q --chunk 4 <<<'one two three four five six seven' >"$d/c"
	[ "$(jq -sc add "$d/c")" = "$whole" ]
	[ "$(jq -s '.[:-1] | all(length == 4)' "$d/c")" = true ]
	jtokenize encode -t $t -q --chunk 10 -o "$d/c.jsh" "$d/docs.jsonl"
	jtokenize encode -t $t -q -o "$d/w.jsh" "$d/docs.jsonl"
	[ "$(jtokenize check -q "$d/c.jsh" | jq -c '[.tokens,.text_bytes,.sha256]')" = \
		"$(jtokenize check -q "$d/w.jsh" | jq -c '[.tokens,.text_bytes,.sha256]')" ]
	[ "$(jtokenize check -q "$d/c.jsh" | jq .docs)" -gt "$(jtokenize check -q "$d/w.jsh" | jq .docs)" ]
}

@test "check --stats: the figures of the ids" {
	printf '%s\n' '{"text":"a a a a"}' '{"text":"b"}' '{"text":"c c"}' >"$d/s.jsonl"
	jtokenize encode -t $t -q --no-eos -o "$d/s.jsh" "$d/s.jsonl"
	jtokenize check -q --stats "$d/s.jsh" >"$d/stats"
	jq -r .text "$d/s.jsonl" | jtokenize ids -t $t -q >"$d/i"
	[ "$(jq .stats.doc_tokens.min,.stats.doc_tokens.p50,.stats.doc_tokens.max "$d/stats" | paste -sd,)" = \
		"$(jq -s 'map(length) | sort | .[0], .[1], .[2]' "$d/i" | paste -sd,)" ]
	[ "$(jq -c .stats.top "$d/stats")" = \
		"$(jq -sc 'add | group_by(.) | map([.[0], length]) | sort_by([-.[1], .[0]]) | .[:10]' "$d/i")" ]
	[ "$(jq .stats.ids_used,.stats.loss_tokens "$d/stats" | paste -sd,)" = "$(jq -s 'add | (unique | length), length' "$d/i" | paste -sd,)" ]
	[ "$(jq -s 'add | length as $n | group_by(.) | map(length / $n | . * log2) | -add * 10000 | round' "$d/i")" = \
		"$(jq '.stats.entropy_bits * 10000 | round' "$d/stats")" ]
}

@test "save: any format as tokenizer.json or .tiktoken, the same ids" {
	jq -c .text "$d/docs.jsonl" >"$d/lines"
	jtokenize train -v 600 -q -o "$d/tok" tests/ref/tok/train.txt
	jtokenize ids -t "$d/tok" -q --json "$d/lines" >"$d/want"
	jtokenize save -t "$d/tok" -q -o "$d/copy"
	jtokenize ids -t "$d/copy" -q --json "$d/lines" | cmp - "$d/want"
	jtokenize save -t "$d/tok" -q -o "$d/t.tiktoken"
	[ "$(wc -l <"$d/t.tiktoken")" -eq 596 ]
	run -2 jtokenize save -t "$d/tok" -q
	x="${J_TEST_SHARED:-../shared}/data/tokenizers"
	[ -d "$x/bert" ] || skip "no shared data: see J_TEST_SHARED"
	run -2 jtokenize save -t "$x/bert" -q -o "$d/no.tiktoken"
	[[ "$output" == *"byte-level"* ]]
	jtokenize save -t "$x/gpt2" -q -o "$d/gpt2.tiktoken"
	jtokenize ids -t "$d/gpt2.tiktoken" -q --json "$d/lines" >"$d/got"
	jtokenize ids -t "$x/gpt2" -q --json "$d/lines" | cmp - "$d/got"
}

@test "a megabyte without a space is linear, and comes back" {
	head -c 1000000 /dev/zero | tr '\0' a >"$d/a"
	jtokenize ids -t $t -q -j 1 "$d/a" | jtokenize decode -t $t -q | jq -j . | cmp - "$d/a"
}

@test "real vocabularies give their reference ids" {
	x="${J_TEST_SHARED:-../shared}/data/tokenizers"
	[ -f "$x/gpt2/tokenizer.json" ] || skip "no shared data: see J_TEST_SHARED"
	jq -c .text "$x/expected/gpt2_encoded_tokens.json" | jtokenize ids --json -t "$x/gpt2" -q >"$d/got"
	[ "$(cat "$d/got")" = "$(jq -c .token_ids "$x/expected/gpt2_encoded_tokens.json")" ]
	jq -c .text "$x/expected/llama_3.2_encoded.json" | jtokenize ids --json --bos -t "$x/llama3" -q >"$d/got"
	[ "$(cat "$d/got")" = "$(jq -c .token_ids "$x/expected/llama_3.2_encoded.json")" ]
}

@test "packed shards: the rows that the page describes, any number of threads, text comes back" {
	command -v python3 >/dev/null || skip "no python3"
	jtokenize encode -t $t -q --pack 64 -j 1 -o "$d/1.jsh" "$d/docs.jsonl"
	jtokenize encode -t $t -q --pack 64 -j 3 -o "$d/3.jsh" "$d/docs.jsonl"
	cmp "$d/1.jsh" "$d/3.jsh"
	jtokenize encode -t $t -q -o "$d/plain.jsh" "$d/docs.jsonl"
	python3 tests/ref/read_jsh.py "$d/1.jsh" rows >"$d/rows"
	[ "$(jtokenize check -q "$d/1.jsh" | jq -c '[.rows,.pack,.ordered]')" = \
		"[$(grep -c . "$d/rows"),64,false]" ]
	# each token once: pieces that go on begin with the token before, which is dropped here
	jq -s -c '[.[] | .[]] | reduce .[] as $p ([]; . + (if length > 0 and .[-1] != 0 then $p[1:] else $p end))' \
		"$d/rows" >"$d/joined"
	n=$(wc -l <"$d/docs.jsonl")
	for i in $(seq 0 $((n - 1))); do
		[ $((i % 25)) -eq 0 ] || continue
		python3 tests/ref/read_jsh.py "$d/plain.jsh" "$i" | tail -n 1
	done | jq -c . >"$d/some"
	jq -e --slurpfile some "$d/some" '. as $all | [$some[] | . as $x | ($all | indices($x) | length > 0)] | all' "$d/joined"
	jtokenize encode -t $t -q --pack 64 --best-fit -o "$d/fit" --shard-tokens 2k "$d/docs.jsonl"
	[ "$(ls "$d"/fit/*.jsh | wc -l)" -gt 1 ]
	jtokenize decode -t $t -q "$d/plain.jsh" | sort >"$d/text"
	[ "$(cat "$d/text")" = "$(jq -c .text "$d/docs.jsonl" | sort)" ]
	jtokenize check -q --stats "$d/fit" | jq -e '.stats.padding < .tokens / 10 and .stats.loss_tokens == .tokens - .stats.padding'
	run ! jtokenize encode -t $t -q --best-fit -o "$d/no.jsh" "$d/docs.jsonl"
}

@test "mixing: shares, limits, the same rows whatever is asked for, a set of other rows refused" {
	head -n 40 "$d/docs.jsonl" >"$d/a.jsonl"
	tail -n 200 "$d/docs.jsonl" >"$d/b.jsonl"
	jtokenize encode -t $t -q -o "$d/a" "$d/a.jsonl"
	jtokenize encode -t $t -q -o "$d/b.jsh" "$d/b.jsonl"
	jtokenize mix -q --pack 32 --plan --rows 200 "$d/a=0.75" "$d/b.jsh=0.25" >"$d/plan"
	[ "$(jq -s -c '[.[].rows]' "$d/plan")" = "[150,50]" ]
	jtokenize mix -q --pack 32 --rows 200 --seed 3 -o "$d/m.jsh" "$d/a=0.75" "$d/b.jsh=0.25"
	jtokenize mix -q --pack 32 --rows 90 --seed 3 -o "$d/m90.jsh" "$d/a=0.75" "$d/b.jsh=0.25"
	jtokenize check -q "$d/m.jsh" | jq -e '.rows == 200 and .ordered and .tokens == 200 * 33'
	jtokenize decode -t $t -q "$d/m90.jsh" >"$d/t90"
	jtokenize decode -t $t -q "$d/m.jsh" | head -n "$(wc -l <"$d/t90")" | cmp - "$d/t90"
	jtokenize mix -q --pack 32 --plan "$d/a=1,2x" "$d/b.jsh=9,1k" >"$d/plan"
	jq -s -e '.[0].epochs == 2 and .[1].rows == 31 and .[1].limit == 31' "$d/plan"
	jtokenize mix -q --plan "$d/m.jsh=1,1x" | jq -e '.rows == 200'
	run jtokenize mix -q --pack 32 -o "$d/no" "$d/a=1" "$d/b.jsh=1"
	[ "$status" -ne 0 ]
	[[ "$output" == *"--rows"* ]]
	run jtokenize mix -q --pack 31 --rows 5 -o "$d/no" "$d/m.jsh=1"
	[ "$status" -ne 0 ]
	[[ "$output" == *"rows of 32"* ]]
	run jtokenize decode -q "$d/m.jsh"
	[ "$status" -ne 0 ]
	[[ "$output" == *"-t"* ]]
	[ ! -e "$d/no" ]
}
