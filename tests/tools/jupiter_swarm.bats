#!/usr/bin/env bats
# jupiter swarm: list, status, query, chat, create-expert, train; experts' documents.

bats_require_minimum_version 1.5.0

setup_file() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	PATH="$(cd "${J_BIN:-bin}" && pwd):$PATH"
	export m="$BATS_FILE_TMPDIR/m"
	printf '%s\n' '{"text":"bread and oven, boat and mast, salt and wind, all of it again and again"}' \
		>"$BATS_FILE_TMPDIR/docs.jsonl"
	jtrain pretrain --model nano --tokenizer tests/ref/bytetok --data "$BATS_FILE_TMPDIR/docs.jsonl" --batch 1 \
		--seq 512 --steps 30 --lr 3e-3 -q -o "$m"
}

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	PATH="$(cd "${J_BIN:-bin}" && pwd):$PATH"
	d="$BATS_TEST_TMPDIR"
	mkdir -p "$d/ex/deep"
	expert cook '[oven, bake, salt]' "model_path: $m" 'max_tokens: 4'
	expert sail '[boat, mast, salt]' "model_path: $m" 'max_tokens: 4'
	mv "$d/ex/sail.yaml" "$d/ex/deep/"
}

expert() {
	{ printf 'name: %s\ndomain: life/%s\nkeywords: %s\n' "$1" "$1" "$2"; printf '%s\n' "${@:3}"; } >"$d/ex/$1.yaml"
}

@test "list finds experts at any depth; the shipped ones are the default" {
	[ "$(jupiter swarm list -e "$d/ex" | awk 'NR > 1 { print $1 }' | paste -sd' ')" = "cook sail" ]
	[ "$(cd "$d" && jupiter swarm list | grep -c '^python')" -ge 4 ]
	run -1 jupiter swarm list --experts "$d/none"
}

@test "status: what is ready, what is not and how it would be, what is elsewhere" {
	expert far '[moon]' 'node: http://127.0.0.1:1/v1'
	expert later '[sun]' "model_path: $d/later"
	jupiter swarm status -e "$d/ex" >"$d/out"
	grep -q '^cook .*ready' "$d/out"
	grep -q '^far .*on a node .*127.0.0.1' "$d/out"
	grep -q '^later .*not trained yet.*jupiter swarm train --expert later' "$d/out"
	grep -q '^4 experts: 2 ready, 1 on nodes, 1 not ready' "$d/out"
	grep -q 'threads.*memory' "$d/out"
}

@test "query: routed, asked, told who and why and what it cost" {
	jupiter swarm query "salt on the mast" -k 3 -e "$d/ex" >"$d/out"
	grep -q '^asked   sail .*score 0\.[0-9]*: .*mast' "$d/out"
	grep -q '^asked   cook ' "$d/out"
	grep -Eq '^select: [0-9]+ tokens read, 8 written, [0-9.]+ s, cost 2$' "$d/out"
	[ "$(jupiter swarm query "salt on the mast" --top-k 1 --experts "$d/ex" | grep -c '^asked')" -eq 1 ]
	jupiter swarm query anything at all -l cook --load sail -e "$d/ex" --mode concatenate >"$d/out"
	grep -q '^## cook' "$d/out"
	[ "$(grep -c 'named by --load' "$d/out")" -eq 2 ]
}

@test "query: a foreign question asks nobody; names and dead experts are told" {
	run -4 jupiter swarm query "What is the capital of France?" -e "$d/ex"
	[[ "$output" == *"no expert of this swarm knows"* ]]
	jupiter swarm query "What is the capital of France?" -k 1 --no-abstain -e "$d/ex" >/dev/null
	run -2 jupiter swarm query x -l nobody -e "$d/ex"
	[[ "$output" == *"no expert 'nobody'"* ]]
	run -2 jupiter swarm query -e "$d/ex"
	expert far '[moon]' 'node: http://127.0.0.1:1/v1'
	run -4 jupiter swarm query "the moon" -e "$d/ex" --retries 0
	[[ "$output" == *"missing far: "* ]]
	# the others answer nevertheless
	jupiter swarm query "salt on the moon" -e "$d/ex" --retries 0 | grep -q '^asked   cook'
}

@test "chat: turns, stats, quit; models stay open and idle ones are closed" {
	printf '%s\n' 'bake it' stats 'bake more' stats quit 'bake never' |
		jupiter swarm chat -e "$d/ex" >"$d/out"
	[ "$(grep -c '^asked   cook' "$d/out")" -eq 2 ]
	grep -q '^2 questions' "$d/out"
	grep -q '1 models open.*; 1 opened, 0 closed' "$d/out"
	grep -q '^cook: asked 2 times' "$d/out"
	printf '%s\n' /help /nonsense /reset /stats /quit 'bake it' | jupiter swarm chat -e "$d/ex" >"$d/out" 2>"$d/err"
	grep -q '^/reset ' "$d/out"
	grep -q '/nonsense: no such command' "$d/err"
	grep -q '^0 questions' "$d/out"
	run ! grep -q '^asked' "$d/out"
	printf '%s\n' 'bake it' 'bake more' stats | jupiter swarm chat -e "$d/ex" --idle 0 >"$d/out"
	grep -q '0 models open.*; 2 opened, 2 closed' "$d/out"
}

@test "a swarm file gives options, the command line comes first, unknown keys are refused" {
	printf 'experts_dir: %s\nrouter: { top_k: 1 }\nsynthesizer:\n  strategy: concatenate\n' "$d/ex" >"$d/swarm.yaml"
	jupiter swarm query "salt" -c "$d/swarm.yaml" >"$d/out"
	[ "$(grep -c '^asked' "$d/out")" -eq 1 ]
	grep -q '^## ' "$d/out"
	[ "$(jupiter swarm query "salt" -c "$d/swarm.yaml" -k 2 | grep -c '^asked')" -eq 2 ]
	printf 'router:\n  topk: 1\n' >"$d/bad.yaml"
	run -1 jupiter swarm query x -c "$d/bad.yaml"
	[[ "$output" == *"bad.yaml:2"* ]]
}

@test "query: by the experts' likelihood and by a judge, whom a swarm file may name" {
	jupiter swarm query "bread and oven" -k 1 --strategy likelihood -e "$d/ex" >"$d/out"
	grep -q '^asked   cook .*bits per byte' "$d/out"
	# a model that cannot be read costs its expert the question, not everybody
	mkdir "$d/broken"
	expert broken '[oven]' "model_path: $d/broken"
	jroute route --strategy likelihood --experts "$d/ex" --explain -p "bread and oven" -q >"$d/out"
	grep -q '^\* cook .*bits per byte' "$d/out"
	grep -q "^  broken .*0.000  .*$d/broken" "$d/out"
	rm "$d/ex/broken.yaml"
	jupiter swarm query "bread and oven" -k 1 --strategy judge --judge "$m" -e "$d/ex" >"$d/out" || true
	grep -Eq 'choice 1 of the judge|no expert of this swarm knows' "$d/out"
	printf 'experts_dir: %s\nrouter: { strategy: judge, classifier_model: %s }\n' "$d/ex" "$m" >"$d/swarm.yaml"
	jupiter swarm query "bread and oven" -k 1 -c "$d/swarm.yaml" >"$d/out2" || true
	diff <(grep -o 'choice 1' "$d/out") <(grep -o 'choice 1' "$d/out2")
	run -2 jupiter swarm query x --strategy judge -e "$d/ex"
}

@test "self: who is not asked is told so" {
	jupiter swarm query "salt" -k 2 --mode self -e "$d/ex" >"$d/out"
	grep -q '^asked   cook' "$d/out"
	grep -q '^missing sail: not asked: this mode samples the best expert alone' "$d/out"
}

@test "create-expert: a file that is valid, never over another" {
	cd "$d"
	jupiter swarm create-expert baker --domain life/baking >out
	[ -f config/experts/baker.yaml ]
	[ "$(jroute list --experts config/experts --json -q | jq -c '[.name, .domain, .keywords]')" = \
		'["baker","life/baking",["baking","baker"]]' ]
	run -1 jupiter swarm create-expert baker --domain life/baking
	[[ "$output" == *"exists already"* ]]
	jupiter swarm list | grep -q '^baker'
	jupiter swarm create-expert other -d x -o elsewhere >out
	[ -f elsewhere/other.yaml ]
	run -2 jupiter swarm create-expert third
	run -2 jupiter swarm create-expert ../third -d x
	[ "$(jupiter swarm status | grep -c '^baker .*not trained yet')" -eq 1 ]
}

@test "train: an expert's domain is really trained, and then it answers" {
	mkdir -p "$d/src"
	for i in $(seq 12); do
		printf '<html><title>Oven %d</title><body><h1>The oven number %d</h1><p>%s</p></body></html>' $i $i \
			"An oven bakes bread number $i. You heat the oven before the dough goes in. The bread number $i is ready when the crust is brown and it sounds hollow." \
			>"$d/src/$i.html"
	done
	printf 'domain: { name: oven }\nsources: [{ source: %s, kind: docs }]\ntraining: { preset: nano, vocab_size: 300, steps: 4, batch: 1, seq: 64, warmup: 1 }\nfinetune: { steps: 2, batch: 1, warmup: 1 }\nquestions: [What is an oven?]\n' \
		"$d/src" >"$d/oven.yaml"
	expert oven '[oven]' "model_path: $d/work/expert" 'max_tokens: 4' "knowledge: [$d/work/clean.jsonl]"
	rm "$d/ex/cook.yaml"
	jupiter swarm train --expert oven --domain-config "$d/oven.yaml" --experts "$d/ex" >"$d/out" 2>"$d/err" ||
		{ tail -n 20 "$d/out" "$d/err" >&2; false; }
	grep -q "^oven: trained, $d/work/expert" "$d/out"
	# so little training teaches no words, but the model is there and is asked
	jupiter swarm query "How hot is the oven?" -e "$d/ex" >"$d/out" || true
	grep -Eq '^(asked  |missing) oven' "$d/out"
	run ! grep -q 'not trained yet' "$d/out"
	jupiter swarm query "When is the bread ready in the oven?" --quote -e "$d/ex" >"$d/out"
	grep -q '^> .*crust is brown' "$d/out"
	run -2 jupiter swarm train --expert nobody -d "$d/oven.yaml" --experts "$d/ex"
	run -2 jupiter swarm train --expert oven
}

@test "train without an expert: a whole swarm by its recipe, that answers" {
	mkdir -p "$d/domains" "$d/files"
	for x in oven mast; do
		mkdir -p "$d/src-$x"
		for i in $(seq 16); do
			printf '<html><title>%s %d</title><body><h1>The %s number %d</h1><p>%s</p></body></html>' $x $i $x $i \
				"Every $x has its number $i. You look at the $x before you use it. The $x number $i is ready when it was cleaned and looks well in the light of day $i." \
				>"$d/src-$x/$i.html"
		done
		printf 'domain: { name: %s }\nsources: [{ source: %s, kind: docs }]\n' $x "$d/src-$x" >"$d/domains/$x.yaml"
		printf 'name: %s\ndomain: test/%s\nkeywords: [%s]\nmodel_path: nowhere\nmax_tokens: 4\n' $x $x $x >"$d/files/$x.yaml"
	done
	export DOMAIN_FILES="$d/domains" FOREIGN= VOCAB=300 STEPS=4 BATCH=1 SEQ=64 ANSWER_STEPS=2 HELD_OUT=30% CUT=300
	jupiter swarm train oven mast --experts "$d/files" -o "$d/work" --model nano >"$d/out" 2>"$d/err" ||
		{ tail -n 20 "$d/out" "$d/err" >&2; false; }
	grep -q "running: make -s -f .*swarm.mk WORK=$d/work .*'DOMAINS=oven mast'" "$d/err"
	grep -q "jupiter swarm query -e $d/work/pool" "$d/out"
	[ -s "$d/work/report.html" ]
	jupiter swarm query "Where is the oven?" -e "$d/work/pool" >"$d/out" || true
	grep -Eq '^(asked  |missing) oven' "$d/out"
	run ! grep -q 'not trained yet' "$d/out"
	run -2 jupiter swarm train 'a b'
	run -2 jupiter swarm train oven --epochs 2
}

@test "documents: indexed once, again when they change, in memory where nothing can be written" {
	mkdir "$d/know"
	printf '%s\n' '{"id":"a","title":"Yeast","text":"Yeast makes dough rise.\n\nIt is alive.","source":{"uri":"bread.html"}}' \
		'{"id":"b","title":"Salt","text":"Salt slows it down."}' 'not json' >"$d/know/k.jsonl"
	expert cook '[oven]' "knowledge: [$d/know/k.jsonl]"
	ask() { jsynth -e "$d/ex" --ask cook -q --quote "$@"; }
	ask -p "What does yeast do?" >"$d/out"
	[ "$(jq -c '.citations[0] | [.id, .title, .source, .at]' "$d/out")" = '["a","Yeast","bread.html",0]' ]
	jq -e '.text | test("^> Yeast makes dough rise") and test("\\[1\\] Yeast, bread.html$")' "$d/out"
	cp "$d/know/k.jsonl.fts" "$d/1"
	ask -p "salt" | jq -e '.citations[0].id == "b"'
	cmp "$d/1" "$d/know/k.jsonl.fts"
	printf '%s\n' '{"prompt":"What is rye?","answer":"Rye is a grain."}' >>"$d/know/k.jsonl"
	ask -p "rye" | jq -e '.citations[0] | .title == "What is rye?" and .text == "Rye is a grain."'
	ask -p "quantum" | jq -e '.parts == [] and (.missing[0].why | test("say nothing"))'
	ask -p 'a "quoted" NEAR(yeast) OR * text' | jq -e '.citations[0].id == "a"'
	mkdir "$d/know/k.jsonl.fts.d" && rm "$d/know/k.jsonl.fts" && mv "$d/know/k.jsonl.fts.d" "$d/know/k.jsonl.fts"
	ask -p "yeast" | jq -e '.citations[0].id == "a"'
}

@test "passages go with the question, as many as fit" {
	printf '{"id":"a","title":"Mast","text":"A mast holds the sail up."}\n' >"$d/k.jsonl"
	expert cook '[mast]' "knowledge: [$d/k.jsonl]" "model_path: $m" 'max_tokens: 4'
	with="$(jsynth -e "$d/ex" --ask cook -q --passages 2 -p "mast?")"
	[ "$(jq '.citations | length' <<<"$with")" -eq 1 ]
	[ "$(jq .prompt_tokens <<<"$with")" -gt "$(jsynth -e "$d/ex" --ask cook -q -p "mast?" | jq .prompt_tokens)" ]
	[ "$(jsynth -e "$d/ex" --ask cook -q --passages 2 --context 60 -p "mast?" | jq -c '[.citations, (.parts | length)]')" = '[null,1]' ]
}
