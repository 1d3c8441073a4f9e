#!/usr/bin/env bats
# jfilter select: the records that are most like a target, the same ones for any -j, order and memory.

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	bin="$(cd "${J_BIN:-bin}" && pwd)"
	[ -x "$bin/jfilter" ] || skip "no jfilter in $bin"
	jf="$bin/jfilter"
	cd "$BATS_TEST_TMPDIR" || return 1
	awk 'BEGIN {
		for (i = 0; i < 60; i++)
			printf "{\"id\":\"t%d\",\"text\":\"The function number %d returns a list of names (see section %d) and raises an error.\"}\n", i, i, i % 7
	}' >target.jsonl
	awk 'BEGIN {
		for (i = 0; i < 400; i++)
			if (i % 4 == 0)
				printf "{\"id\":\"f%d\",\"text\":\"A method of number %d returns the list of all names, or raises an error if there is none.\",\"n\":1.50}\n", i, i
			else
				printf "{\"id\":\"b%d\",\"text\":\"Buy %d cheap things now! Click here to win the big prize of %d today.\"}\n", i, i, i % 9
	}' >raw.jsonl
}

@test "what is like the target is chosen, as it is, in the order of the input" {
	"$jf" select --like target.jsonl -n 100 --noise 0 -o out.jsonl --rejects rej.jsonl raw.jsonl 2>err
	[ "$(wc -l <out.jsonl)" -eq 100 ] && [ "$(wc -l <rej.jsonl)" -eq 300 ]
	! grep -q '"id":"b' out.jsonl
	grep -q '^jfilter: 400 in, 100 out, 300 rejected (not_selected 300)' err
	[ "$(jq -r .id out.jsonl)" = "$(jq -r .id raw.jsonl | grep f)" ]
	[ "$(grep -c '"n":1.50' out.jsonl)" -eq 100 ]
	least=$(jq -s 'map(.scores["jfilter.dsir"]) | min' out.jsonl)
	jq -se --argjson least "$least" 'all(.drop.value < $least and .drop.limit == $least)' rej.jsonl >/dev/null
	jq -se 'all(.drop.value < .drop.limit and .drop.rule == "not_selected")' rej.jsonl >/dev/null
}

@test "the same for any -j, from standard input, for any order and memory" {
	"$jf" select -q -j 1 --like target.jsonl -n 50 --seed 3 raw.jsonl >one
	"$jf" select -q -j 3 --like target.jsonl -n 50 --seed 3 raw.jsonl | cmp - one
	"$jf" select -q -M 1M --like target.jsonl -n 50 --seed 3 -- <raw.jsonl | cmp - one
	tac raw.jsonl >turned.jsonl
	"$jf" select -q --like target.jsonl -n 50 --seed 3 turned.jsonl | tac | cmp - one
	"$jf" select -q --like target.jsonl -n 50 --seed 4 raw.jsonl >other
	! cmp -s one other
	[ "$(wc -l <other)" -eq 50 ]
}

@test "budgets in words and bytes, short records, all of it" {
	words() { jq -r .text "$1" | tr -cs "A-Za-z0-9'" '\n' | grep -c .; }
	"$jf" select -q --like target.jsonl -n 500 --unit words raw.jsonl >out
	[ "$(words out)" -le 500 ] && [ "$(words out)" -gt 480 ]
	"$jf" select -q --like target.jsonl -n 5k --unit bytes raw.jsonl >out
	n=$(jq -r .text out | wc -c)
	[ "$n" -le 5100 ] && [ "$n" -gt 4800 ]
	"$jf" select -q --like target.jsonl -n 1m raw.jsonl >out
	[ "$(wc -l <out)" -eq 400 ]
	{ cat raw.jsonl; echo '{"id":"s","text":"The function."}'; echo 'no record'; } >more.jsonl
	"$jf" select -q --like target.jsonl -n 1m --min-words 5 --rejects rej more.jsonl >out
	[ "$(wc -l <out)" -eq 400 ]
	[ "$(jq -r .drop.rule rej | tr '\n' ' ')" = "min_words malformed " ]
}

@test "noise makes it a sample: the odds follow the weights" {
	# every record of the target's kind outweighs the others by far, and equals have the same chance
	sed -E 's/("text":"A method of number )[0-9]+/\1one/' raw.jsonl >equal.jsonl
	for s in 1 2 3 4 5 6 7 8; do
		"$jf" select -q --like target.jsonl -n 20 --seed $s equal.jsonl | jq -r .id
	done | sort | uniq -c >chosen
	! grep -q b chosen
	[ "$(wc -l <chosen)" -gt 60 ]
}

@test "usage" {
	run "$jf" select -n 5 raw.jsonl
	[ "$status" -eq 2 ]
	run "$jf" select --like target.jsonl -- raw.jsonl
	[ "$status" -eq 2 ]
	echo '{"title":"no text"}' >empty.jsonl
	run "$jf" select --like empty.jsonl -n 5 raw.jsonl
	[ "$status" -eq 1 ] && [[ $output == *empty.jsonl* ]]
}
