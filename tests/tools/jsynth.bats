#!/usr/bin/env bats
# jsynth: putting given answers together; asking experts here and on nodes.

bats_require_minimum_version 1.5.0

setup_file() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	PATH="$(cd "${J_BIN:-bin}" && pwd):$PATH"
	export m="$BATS_FILE_TMPDIR/models" log="$BATS_FILE_TMPDIR/log"
	mkdir -p "$m"
	printf '%s\n' '{"text":"rain rain go away come again another day, said the rain to the rain"}' >"$m/rain.jsonl"
	printf '%s\n' '{"text":"1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25"}' >"$m/count.jsonl"
	for x in rain count; do
		jtrain pretrain --model nano --tokenizer tests/ref/bytetok --data "$m/$x.jsonl" --batch 1 --seq 512 \
			--steps 40 --lr 3e-3 -q -o "$m/$x"
	done
	if command -v python3 >/dev/null; then
		python3 tests/tools/node.py "$log" >"$BATS_FILE_TMPDIR/port" 3>&- &
		echo $! >"$BATS_FILE_TMPDIR/pid"
		for _ in $(seq 50); do
			[ ! -s "$BATS_FILE_TMPDIR/port" ] || break
			sleep 0.1
		done
		export port="$(cat "$BATS_FILE_TMPDIR/port")"
	fi
}

teardown_file() {
	[ ! -s "$BATS_FILE_TMPDIR/pid" ] || kill "$(cat "$BATS_FILE_TMPDIR/pid")"
}

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	PATH="$(cd "${J_BIN:-bin}" && pwd):$PATH"
	d="$BATS_TEST_TMPDIR"
	mkdir -p "$d/ex"
	for x in rain count; do
		expert $x "model_path: $m/$x"
	done
}

# expert NAME LINE...
expert() {
	{ printf 'name: %s\ndomain: test/%s\nmax_tokens: 12\ntemperature: 0\n' "$1" "$1"; printf '%s\n' "${@:2}"; } \
		>"$d/ex/$1.yaml"
}

# An expert on the stand-in server that behaves as the name says.
node() {
	[ -n "$port" ] || skip "no python3"
	expert "$1" "node: http://127.0.0.1:$port/$1/v1"
}

ask() {
	jsynth -e "$d/ex" -q "$@"
}

given() {
	printf '%s\n' '{"id":7,"question":"How do I sort?","answers":[{"expert":"py","text":"Use sorted().","score":0.75},{"expert":"sql","text":"Use ORDER BY.\n\n```sql\nselect 1;\n\nselect 2;\n```","score":0.25},{"expert":"dumb","text":" "}]}'
}

@test "given answers: select, concatenate, weighted; who is missing, and why" {
	given | jsynth -q >"$d/out"
	[ "$(jq -r .text "$d/out")" = "Use sorted()." ]
	[ "$(jq -c '[.parts[].weight]' "$d/out")" = '[1,0]' ]
	[ "$(jq -c '.missing' "$d/out")" = '[{"expert":"dumb","why":"it said nothing","partial":false}]' ]
	[ "$(jq -c '[.id, .mode, (.answers | length), .seconds]' "$d/out")" = '[7,"select",3,null]' ]
	given | jsynth -q --mode concatenate | jq -r .text >"$d/out"
	[ "$(head -n 1 "$d/out")" = "## py" ]
	[ "$(grep -c '^```' "$d/out")" -eq 2 ]
	[[ "$(given | jsynth -q --mode concatenate --no-attribution | jq -r .text)" != *"##"* ]]
	# 40 bytes do not hold the code: it is left out as a whole
	[ "$(given | jsynth -q --mode weighted --max-length 40 --no-attribution | jq -c .text)" = \
		'"Use sorted().\n\nUse ORDER BY."' ]
	[ "$(given | jsynth -q --mode weighted --threshold 0.5 | jq -c '[.parts[].weight]')" = '[1,0]' ]
}

@test "without a model rank and fuse say that they did something else; mix refuses" {
	given | jsynth --mode rank >"$d/out" 2>"$d/err"
	grep -q 'warning: select instead of rank' "$d/err"
	[ "$(jq -r '.mode' "$d/out")" = select ]
	given | jsynth --mode fuse >"$d/out" 2>"$d/err"
	grep -q 'warning: weighted instead of fuse' "$d/err"
	jq -e '.fallback and .mode == "weighted"' "$d/out"
	run -2 jsynth --mode mix <(given)
	run -2 jsynth -p x
	[[ "$output" == *"--experts"* ]]
}

@test "records that cannot be answered are counted and kept" {
	printf '%s\n' '{"id":1}' 'no' '{"question":"x"}' '{"question":"x","answers":[]}' \
		'{"question":"x","answers":[{"text":"y"}]}' >"$d/in"
	jsynth -q --rejects "$d/rej" "$d/in" >"$d/out"
	[ "$(wc -l <"$d/rej")" -eq 4 ]
	[ "$(jq -c '[.text, .parts]' "$d/out")" = '["",[]]' ]
}

@test "experts here: asked as the record says, the same every time" {
	printf '%s\n' '{"question":"rain","experts":[{"name":"rain","score":0.9},{"name":"none","score":0.1}]}' >"$d/in"
	ask "$d/in" >"$d/1"
	jq -e '.text | length > 0' "$d/1"
	[ "$(jq -c '[.parts[].expert, .missing[].expert]' "$d/1")" = '["rain","none"]' ]
	jq -e '.tokens == 12 and .prompt_tokens > 4 and .cost == 1 and .seconds >= 0' "$d/1"
	ask -j 1 --no-times "$d/in" >"$d/2"
	ask -j 4 --no-times "$d/in" >"$d/3"
	cmp "$d/2" "$d/3"
	[ "$(ask -k 1 "$d/in" | jq -c '.missing')" = '[]' ]
	[ "$(printf '{"question":"x","experts":[]}\n' | ask | jq -c '[.text,.parts]')" = '["",[]]' ]
}

@test "an expert that is not trained yet says how; the rest answers" {
	expert later "model_path: $d/later"
	ask -p rain --ask rain --ask later >"$d/out"
	[ "$(jq -c '[.parts[].expert]' "$d/out")" = '["rain"]' ]
	jq -e '.missing[0].why | test("not trained yet.*jupiter swarm train")' "$d/out"
	run -2 ask -p x --ask nobody
	[[ "$output" == *"no expert of this name"* ]]
}

@test "rank by the experts' likelihood, by the question's, and by a judge" {
	for by in experts question judge; do
		ask --mode rank --rank-by $by -p "rain rain" >"$d/out"
		[ "$(jq -r '.mode' "$d/out")" = rank ]
		jq -e '([.parts[].score] | max) as $m | .parts[] | select(.weight == 1) | .score == $m' "$d/out"
	done
	printf '%s\n' '{"question":"q","answers":[{"expert":"a","text":"rain rain go away come again"},{"expert":"b","text":"zq xj vw kk"}]}' |
		ask --mode rank --rank-by question -m "$m/rain" | jq -e .text
}

@test "fuse: a model merges, and weights say what the text is like" {
	ask --mode fuse -n 10 -p rain >"$d/out"
	jq -e '.mode == "fuse" and .text != "" and ([.parts[].weight] | add - 1 | fabs < 1e-9)' "$d/out"
}

@test "debate: the others are read; agreement ends it" {
	ask --mode debate --rounds 2 -p rain >"$d/out"
	jq -e '.rounds >= 1 and .consensus <= 1 and ([.parts[].weight] | add) == 1' "$d/out"
	expert rain2 "model_path: $m/rain"
	ask --mode debate --ask rain --ask rain2 -p rain >"$d/out"
	jq -e '.rounds == 0 and .consensus == 1' "$d/out"
}

@test "mix: one expert alone is itself; weights go to who knows the text; other tokenizers are refused" {
	one="$(ask --ask rain -p 'rain rain go away' | jq -r .text)"
	[ "$(ask --mode mix --ask rain -p 'rain rain go away' | jq -r .text)" = "$one" ]
	ask --mode mix -p 'rain rain go away come again another day' >"$d/out"
	jq -e '(.parts | map({(.expert): .weight}) | add) | .rain > .count' "$d/out"
	ask --mode mix -p '3 4 5 6 7 8 9 10 11 12' >"$d/out"
	jq -e '(.parts | map({(.expert): .weight}) | add) | .count > .rain' "$d/out"
	jtokenize train -v 300 -q -o "$d/tok" "$m/rain.jsonl"
	jtrain pretrain --model nano --tokenizer "$d/tok" --data "$m/rain.jsonl" --batch 1 --seq 16 --steps 1 \
		-q -o "$d/other"
	expert other "model_path: $d/other"
	run -2 ask --mode mix -p rain
	[[ "$output" == *"different tokenizers"* ]]
}

@test "self and the control arm: samples of the best expert, at no fewer tokens" {
	ask --mode self --samples 3 --temperature 1 --ask rain -p rain >"$d/out"
	jq -e '.mode == "self" and .parts[0].expert == "rain" and .cost == 3 and .tokens > 12' "$d/out"
	ask --mode concatenate --control --temperature 1 -m "$m/rain" -p rain >"$d/out"
	jq -e '.control.tokens >= .tokens and (.control.won | IN("answer","control","tie"))' "$d/out"
}

@test "stream: the text, then who said it and what it cost" {
	ask --stream --ask rain -p rain >"$d/out"
	grep -q '^asked   rain' "$d/out"
	grep -q 'cost 1$' "$d/out"
	[ "$(head -c 20 "$d/out" | tr -d '\n')" != "" ]
}

@test "a base with an adapter: it answers, another than the base; it is routed to; one is closed for the other" {
	printf '{"prompt":"rain","answer":"%s"}\n' 'snow snow snow snow' >"$d/pairs"
	jtrain sft --model "$m/rain" --data "$d/pairs" --lora r=8,alpha=16,targets=all-linear --steps 80 --lr 1e-2 \
		--batch 1 --seq 64 -q -o "$d/snow"
	printf '{"prompt":"rain","answer":"%s"}\n' 'mist mist mist mist' >"$d/pairs"
	jtrain sft --model "$m/rain" --data "$d/pairs" --lora r=8,alpha=16,targets=all-linear --steps 80 --lr 1e-2 \
		--batch 1 --seq 64 -q -o "$d/mist"
	rm "$d/ex/rain.yaml" "$d/ex/count.yaml"
	for x in snow mist; do
		expert $x "base_model: $m/rain" "adapter: $d/$x" "keywords: [$x]" "system_prompt: ''"
	done
	expert plain "base_model: $m/rain" 'keywords: [plain]' "system_prompt: ''"
	for x in snow mist plain; do
		ask --no-times --ask $x -p rain >"$d/$x.out"
		jq -e '.text != "" and .missing == []' "$d/$x.out"
	done
	jq -r .text "$d/snow.out" | grep -q snow
	jq -r .text "$d/mist.out" | grep -q mist
	! jq -r .text "$d/plain.out" | grep -Eq 'snow|mist'
	[ "$(jroute route --experts "$d/ex" -q -p 'mist?' | ask --no-times | jq -r '.parts[].expert')" = mist ]
	[ "$(jroute route --experts "$d/ex" --strategy likelihood -q -k 1 -p 'snow snow snow' | jq -r '.experts[0].name')" = snow ]
	# open at once: the file of the base counts once; within the room for one they follow each other
	printf '%s\n' 'snow' 'mist' stats | jupiter swarm chat -e "$d/ex" >"$d/out"
	grep -q '2 models open, .*; 2 opened, 0 closed' "$d/out"
	printf '%s\n' 'snow' 'mist' 'snow' stats | jupiter swarm chat -e "$d/ex" -M 8M >"$d/out"
	grep -q '1 models open, .*; 3 opened, 2 closed' "$d/out"
	mv "$d/mist" "$d/gone"
	ask --ask mist -p rain | jq -e '.missing[0].why | test("mist")'
}

@test "memory: twenty experts within the room for two, the same answers as with plenty" {
	for i in $(seq 20); do
		cp -r "$m/rain" "$d/m$i"
		expert "e$i" "model_path: $d/m$i"
	done
	rm "$d/ex/rain.yaml" "$d/ex/count.yaml"
	ask -M 16M --no-times --mode concatenate -n 3 -p rain >"$d/1" 2>"$d/err"
	[ "$(jq '.parts | length' "$d/1")" -eq 20 ]
	ask -M 2G --no-times --mode concatenate -n 3 -p rain >"$d/2"
	cmp "$d/1" "$d/2"
	ask -M 100K -p rain -k 1 | jq -e '.parts == [] and (.missing | length) == 20 and
		(.missing[0].why | test("needs .* MB.*-M"))'
}

@test "nodes: a stream, one object, plain completions" {
	node good
	node plain
	ask --mode concatenate --ask good --ask plain -p "Why?" >"$d/out"
	[ "$(jq -r '[.parts[].text] | join("|")' "$d/out")" = "Rain falls down.|Snow falls down." ]
	jq -e '.missing == [] and .prompt_tokens == 7' "$d/out"
	expert bare "node: http://127.0.0.1:$port/plain/v1/completions"
	[ "$(ask --ask bare -p "Why?" | jq -r .text)" = "a completion" ]
	ask --stream --ask good -p "Why?" | head -n 1 | grep -q '^Rain falls down.$'
}

@test "nodes that are dead, slow, silent, broken or talk nonsense are named; the rest answers" {
	for x in slow late cut empty loop binary html error teapot good; do
		node $x
	done
	expert dead "node: http://127.0.0.1:1/v1"
	expert odd "node: nowhere"
	rm "$d/ex/rain.yaml" "$d/ex/count.yaml"
	ask --timeout 2 --retries 0 --mode concatenate -p "Why?" >"$d/out"
	jq -e '[.parts[].expert] | sort == ["cut","good","late"]' "$d/out"
	jq -e '.missing | map({(.expert): .partial}) | add == {binary: false, cut: true, dead: false, empty: false,
		error: false, html: false, late: true, loop: false, odd: false, slow: false, teapot: false}' "$d/out"
	why() { jq -r --arg x "$1" '.missing[] | select(.expert == $x) | .why' "$d/out"; }
	[[ "$(why cut)" == *"broke off"* ]]
	[[ "$(why empty)" == *"said nothing"* ]]
	[[ "$(why loop)" == *"repeats itself"* ]]
	[[ "$(why binary)" == *"not text"* ]]
	[[ "$(why html)" == *"neither JSON nor"* ]]
	[[ "$(why error)" == *"model not loaded"* ]]
	[[ "$(why teapot)" == *"418"* ]]
	[ "$(jq -r '.parts[] | select(.expert == "late") | .text' "$d/out")" = "Rain falls " ]
}

@test "nodes: what passes is tried again; a key comes from a file and goes nowhere else" {
	node busy
	node secret
	[ "$(ask --ask busy --retries 1 -p x | jq -r .text)" = "Rain falls down." ]
	jq -e '.parts == []' <(ask --ask secret -p x)
	printf 'sesame\n' >"$d/key"
	[ "$(ask --ask secret --key-file "$d/key" -p x | jq -r .text)" = open ]
	expert far "node: http://203.0.113.1:9/v1"
	ask --ask far --key-file "$d/key" -p x | jq -e '.missing[0].why | test("without https")'
	run -1 ask --ask secret --key-file "$d/none" -p x
}

@test "routing by the experts' models, and by a judge who can only say their names" {
	node good
	likely() { jroute route --experts "$d/ex" --strategy likelihood -q -k 1 -p "$1" | jq -r '.experts[].name'; }
	[ "$(likely 'rain rain go away come again')" = rain ]
	[ "$(likely '4 5 6 7 8 9 10 11 12')" = count ]
	jroute route --experts "$d/ex" --strategy likelihood -q --explain -p rain | grep -q 'bits per byte'
	jroute route --experts "$d/ex" --strategy judge --judge "$m/rain" -q -k 2 -p rain >"$d/out"
	jq -e '.experts | length <= 2 and all(.name | IN("rain","count","good"))' "$d/out"
	run -2 jroute route --experts "$d/ex" --strategy judge -p rain
	[ "$(jroute route --experts "$d/ex" --strategy likelihood -q -k 1 -p '1 2 3 4 5 6' | ask | jq -r '.parts[].expert')" = count ]
}
