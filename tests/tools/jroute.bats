#!/usr/bin/env bats
# jroute: expert files, keywords, the trained router, abstention, budgets.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	PATH="$(cd "${J_BIN:-bin}" && pwd):$PATH"
	d="$BATS_TEST_TMPDIR"
	mkdir -p "$d/ex/deep"
	expert cook '[oven, bake, salt]' 2 bread flour dough oven yeast crust butter kneading
	expert sail '[boat, mast, salt]' 1 boat mast wind sail rudder harbour anchor keel
	mv "$d/ex/sail.yaml" "$d/ex/deep/"
}

# expert NAME KEYWORDS COST WORD...: a file and a corpus that speaks of the words.
expert() {
	local name=$1 keywords=$2 cost=$3 i
	shift 3
	for ((i = 0; i < 60; i++)); do
		printf '{"id":"%s%d","text":"We put the %s near the %s before. Then every %s is better than a %s without it."}\n' \
			"$name" "$i" "${@:i % $# + 1:1}" "${@:(i * 3 + 1) % $# + 1:1}" "${@:(i * 5 + 2) % $# + 1:1}" \
			"${@:(i / 8) % $# + 1:1}"
	done >"$d/$name.jsonl"
	printf 'name: %s\ndomain: life/%s\ncost: %s\nkeywords: %s\nknowledge: [%s]\n' "$name" "$name" "$cost" \
		"$keywords" "$d/$name.jsonl" >"$d/ex/$name.yaml"
}

names() {
	jq -c '[.experts[].name]'
}

ask() {
	jroute route --experts "$d/ex" -q "${@:2}" -p "$1" | names
}

@test "keywords: whole words, rare ones weigh more, nobody where none occurs" {
	[ "$(ask 'How long do I BAKE it?')" = '["cook"]' ]
	[ "$(ask 'Is rebaking salty?')" = '[]' ]
	[ "$(ask 'What is the capital of France?')" = '[]' ]
	[ "$(ask 'salt on the mast')" = '["sail","cook"]' ]
	[ "$(ask 'salt on the mast' -k 1)" = '["sail"]' ]
	[ "$(ask 'What is the capital of France?' --no-abstain -k 1 | jq length)" -eq 1 ]
}

@test "costs stay within the budget" {
	[ "$(ask 'salt' --budget 3)" = '["cook","sail"]' ]
	[ "$(ask 'salt' --budget 1.5)" = '["sail"]' ]
	[ "$(ask 'salt' --budget 0.5)" = '[]' ]
}

@test "a router is trained from the experts' texts, the same every time, and finds what keywords do not" {
	jroute train --experts "$d/ex" -q
	cp "$d/ex/router.safetensors" "$d/1"
	jroute train --experts "$d/ex" -q -j 1
	cmp "$d/ex/router.safetensors" "$d/1"
	[ "$(ask 'the yeast near the dough' -k 1)" = '["cook"]' ]
	[ "$(ask 'the keel near the rudder' -k 1)" = '["sail"]' ]
	[ "$(ask 'Quantum chromodynamics explains hadrons')" = '[]' ]
	jroute route --experts "$d/ex" --strategy trained -q --explain -p 'the yeast near the dough' | grep -q 'trained router'
	run -2 jroute route --experts "$d/ex/deep" --router "$d/1" -p x
	[[ "$output" == *"other experts"* ]]
}

@test "records keep their members; those without a question are counted and kept" {
	printf '%s\n' '{"id":1,"x":1.50,"question":"bake"}' '{"messages":[{"role":"user","content":"mast"}]}' \
		'{"id":3}' 'no json' >"$d/in"
	jroute route --experts "$d/ex" -q --rejects "$d/rej" "$d/in" >"$d/out"
	[ "$(names <"$d/out" | paste -sd' ')" = '["cook"] ["sail"]' ]
	grep -q '^{"id":1,"x":1.50,"question":"bake","experts":' "$d/out"
	[ "$(grep -c '"drop":' "$d/rej")" -eq 2 ]
}

@test "expert files: recursive, strict, unique names" {
	[ "$(jroute list --experts "$d/ex" --json -q | jq -r .name | paste -sd' ')" = "cook sail" ]
	cp "$d/ex/cook.yaml" "$d/ex/deep/again.yaml"
	run -1 jroute list --experts "$d/ex"
	[[ "$output" == *"cook"*"taken by"* ]]
	rm "$d/ex/deep/again.yaml"
	printf 'name: x\ndomain: y\nkeyword: [z]\n' >"$d/bad.yaml"
	run -1 jroute list --experts "$d/bad.yaml"
	[[ "$output" == *"bad.yaml:3"* ]]
	run -2 jroute list --experts "$d/none"
	run -2 jroute route --experts "$d/ex" --strategy trained -p x
	jroute list --experts share/experts -q | grep -q python-datascience
}

@test "foreign text is a class of its own: shipped, given, or none" {
	local tale='Once upon a time the wicked dragon guarded a golden treasure'
	printf '%s\n' '# comment' '' 'The knight fought the dragon with a golden sword' \
		'{"question":"Why does the princess sleep in the tower of the castle?"}' '{"id":1}' >"$d/tales"
	for i in 1 2 3 4 5 6 7 8; do
		echo "The dragon number $i guarded a golden treasure in the tower"
	done >>"$d/tales"
	jroute train --experts "$d/ex" --foreign "$d/tales" 2>"$d/err"
	grep -q 'of foreign ones' "$d/err"
	[ "$(ask "$tale")" = '[]' ]
	[ "$(ask 'the yeast near the dough' -k 1)" = '["cook"]' ]
	jroute train --experts "$d/ex" --foreign none 2>"$d/err"
	grep -q 'of an expert left out' "$d/err"
	[ "$(ask 'the yeast near the dough' -k 1)" = '["cook"]' ]
	jroute train --experts "$d/ex" -q
	[ "$(ask 'What is the capital city of France?')" = '[]' ]
}

@test "embedding: an encoder, the experts' base; the file knows its model; examples are shown" {
	jtrain pretrain --model nano --tokenizer tests/ref/bytetok --data "$d/cook.jsonl" --batch 1 --seq 64 \
		--steps 2 -q -o "$d/base"
	jroute train --experts "$d/ex" --encoder "$d/base" 2>"$d/err"
	grep -q 'by words alone .* nearest examples .* ridge' "$d/err"
	cp "$d/ex/router.safetensors" "$d/1"
	for s in knn ridge embedding hybrid; do
		[ "$(ask 'We put the yeast near the dough before.' -k 1 --strategy $s)" = '["cook"]' ]
		[ "$(ask 'We put the keel near the rudder before.' -k 1 --strategy $s)" = '["sail"]' ]
	done
	jroute route --experts "$d/ex" -q --explain -p 'the yeast near the dough' >"$d/out"
	grep -Eq 'cook .*examples 0\.[0-9]+ near, ".*(yeast|dough).*"; ridge' "$d/out"
	# the encoder counts against -M; the router alone fits into less
	run -1 jroute route --experts "$d/ex" -M 6M -p 'the yeast near the dough'
	[[ "$output" == *"the router with its encoder $d/base needs "*"-M allows 6.3"* ]]
	run -1 jroute train --experts "$d/ex" --encoder "$d/base" -M 100K -o "$d/no"
	[[ "$output" == *"the encoder $d/base needs "* ]]
	[ ! -e "$d/no" ]
	run -1 jupiter swarm query "the yeast near the dough" --experts "$d/ex" -M 6M
	[[ "$output" == *"the router with its encoder"* ]]
	# the words alone need no encoder; another model is refused
	mv "$d/base" "$d/away"
	[ "$(ask 'the yeast near the dough' -k 1 --strategy trained)" = '["cook"]' ]
	run -1 jroute route --experts "$d/ex" -p 'the yeast near the dough'
	[[ "$output" == *"$d/base"* ]]
	jtrain pretrain --model nano --tokenizer tests/ref/bytetok --data "$d/sail.jsonl" --batch 1 --seq 64 \
		--steps 2 --seed 9 -q -o "$d/base"
	run -2 jroute route --experts "$d/ex" -p 'the yeast near the dough'
	[[ "$output" == *"not the model"* ]]
	rm -r "$d/base" && mv "$d/away" "$d/base"
	for x in cook deep/sail; do
		echo "base_model: $d/base" >>"$d/ex/$x.yaml"
	done
	jroute train --experts "$d/ex" --encoder base -q -j 1
	cmp "$d/ex/router.safetensors" "$d/1"
	jroute train --experts "$d/ex" -q
	run -2 jroute route --experts "$d/ex" --strategy knn -p x
	[[ "$output" == *"--encoder"* ]]
}

@test "curve: a gain that the words tell is found" {
	for ((i = 0; i < 200; i++)); do
		if [ $((i % 3)) -eq 0 ]; then about=theorem weak=false; else about=river weak=true; fi
		printf '{"prompt":"Question %d on the %s","weak":%s,"strong":1,"subject":"s%d"}\n' "$i" \
			"$about" "$weak" $((i % 7))
	done >"$d/c"
	jroute curve -q "$d/c" >"$d/out"
	jq -e '.questions == 200 and .apgr > 0.8 and .low > 0.5 and (.quality | length) == 21' "$d/out"
	jroute curve -q --show --by subject "$d/c" | grep -q 'better than random'
	head -120 "$d/c" >"$d/learn"
	tail -80 "$d/c" >"$d/ask"
	jroute curve -q --learn "$d/learn" "$d/ask" | jq -e '.questions == 80 and .apgr > 0.8'
	run -2 jroute curve --folds 1 "$d/c"
	run -2 jroute curve --weak strong --strong weak "$d/c"
	[[ "$output" == *"no better"* ]]
}
