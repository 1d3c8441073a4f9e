#!/usr/bin/env bats
# jgen chat: commands, saved conversations, another model in the middle.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	PATH="$(cd "${J_BIN:-bin}" && pwd):$PATH"
	d="$BATS_TEST_TMPDIR"
	printf '%s\n' '{"text":"a b c d e f g h i j k l m n o p q r s t u v w x y z"}' >"$d/docs.jsonl"
	for i in 1 2; do
		jtrain pretrain --model nano --tokenizer tests/ref/bytetok --data "$d/docs.jsonl" --batch 1 \
			--seq 512 --steps $i --lr 1e-3 -q -o "$d/m$i"
	done
	talk=(jgen chat -m "$d/m1" -n 3 --ignore-eos -q)
}

@test "a conversation is saved as a record that can be answered again" {
	printf '%s\n' hello "/save $d/one.jsonl" '//x' "/save $d/two.jsonl" | "${talk[@]}" --system Brief >"$d/out"
	[ "$(jq -c '[.messages[].role]' "$d/one.jsonl")" = '["system","user","assistant"]' ]
	[ "$(jq -r '.messages[3].content' "$d/two.jsonl")" = /x ]
	[ "$(jq '.messages | length' "$d/two.jsonl")" -eq 5 ]
	jgen complete -m "$d/m1" -n 2 -q "$d/two.jsonl" | jq -e .text >/dev/null
}

@test "reset and system begin again, quit ends" {
	printf '%s\n' hello /reset there "/save $d/a.jsonl" '/system Be kind' again "/save $d/b.jsonl" /quit never \
		"/save $d/c.jsonl" | "${talk[@]}" >"$d/out"
	[ "$(jq -r '.messages[0].content' "$d/a.jsonl")" = there ]
	[ "$(jq -c '[.messages[].content][0:2]' "$d/b.jsonl")" = '["Be kind","again"]' ]
	[ ! -e "$d/c.jsonl" ]
}

@test "another model goes on; one that is not there changes nothing" {
	printf '%s\n' "/model $d/none" hello "/model $d/m2" more "/save $d/a.jsonl" | "${talk[@]}" >"$d/out" 2>"$d/err"
	grep -q "none" "$d/err"
	[ "$(jq '.messages | length' "$d/a.jsonl")" -eq 4 ]
	printf '%s\n' /help /nonsense | "${talk[@]}" >"$d/out" 2>"$d/err"
	grep -q '^/save FILE' "$d/out"
	grep -q '/nonsense: no such command' "$d/err"
}

@test "adapters by name: the first begins, /adapter changes, and each answers as it does alone" {
	for i in 1 2; do
		jtrain pretrain --model "$d/m1" --tokenizer tests/ref/bytetok --data "$d/docs.jsonl" --batch 1 --seq 32 \
			--steps 40 --lr 0.1 --seed $i --lora r=2 -q -o "$d/a$i"
	done
	talk+=(--temperature 0)
	for a in a1 a2; do
		echo hello | "${talk[@]}" --adapter "$d/$a" >"$d/$a.out"
	done
	echo hello | "${talk[@]}" >"$d/none.out"
	run ! cmp -s "$d/a1.out" "$d/none.out"
	printf '%s\n' hello /reset '/adapter two' hello /reset /adapter hello /reset '/adapter one' hello '/adapter no' |
		"${talk[@]}" --adapter "one=$d/a1" --adapter "two=$d/a2" >"$d/out" 2>"$d/err"
	cmp "$d/out" <(cat "$d"/{a1,a2,none,a1}.out)
	grep -q "no adapter is called 'no'" "$d/err"
}

@test "on a terminal lines are kept in the history" {
	command -v python3 >/dev/null || skip "no python3"
	"$(command -v jgen)" --version | grep -q libedit || skip "built without libedit"
	python3 tests/tools/on_terminal.py '[b"helo\x02l\n", b"/quit\n"]' "${talk[@]}" --history "$d/history"
	grep -q '^hello$' "$d/history"
}
