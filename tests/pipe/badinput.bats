#!/usr/bin/env bats
# Input that is not what it should be: every program says so in one line that names the file, ends
# with the right status, and leaves nothing behind.

setup() {
	load helper
	pipe_setup
	unset SOURCE_DATE_EPOCH
	make_pages pages 30
	jcollect -q pages >docs.jsonl
	tok="$bytetok"
	train=(--model nano --tokenizer "$tok" --steps 1 --batch 2 --seq 32)
}

# A model of two steps and what can be cut out of it.
make_models() {
	jtokenize encode -q -t "$tok" -o data.jsh docs.jsonl
	jgen synth -q --structure docs.jsonl >pairs.jsonl
	jtrain pretrain -q "${train[@]}" --data data.jsh -o model
	jmodel convert -q model model.gguf
	cp -R model cutmodel
	cut_file model/model.safetensors >cutmodel/model.safetensors
	cut_file model.gguf >cut.gguf
	cut_file data.jsh >cut.jsh
}

cut_file() { # FILE: all but its last quarter
	head -c $(($(wc -c <"$1") * 3 / 4)) "$1"
}

# STATUS PATTERN COMMAND...: the command fails with that status, says one line with the pattern, and
# makes nothing in out/.
refuses() {
	local want=$1 pattern=$2 status=0 lines
	shift 2
	rm -rf out
	mkdir out
	timeout 20 "$@" >stdout 2>stderr </dev/null || status=$?
	lines=$(grep -vc ": try '.* --help'$" stderr)
	[ "$status" -eq "$want" ] || fail "$*: status $status, expected $want: $(cat stderr)"
	[ "$lines" -eq 1 ] || fail "$*: $lines lines: $(cat stderr)"
	grep -q "^${1##*/}: " stderr || fail "$*: no name in front: $(cat stderr)"
	grep -qE -e "$pattern" stderr || fail "$*: no '$pattern': $(cat stderr)"
	[ -z "$(ls -A out)" ] || fail "$*: left $(ls -A out)"
	! grep -q '[[:cntrl:]]' stderr || fail "$*: control characters in the message"
}

@test "a file that is not there" {
	jtokenize encode -q -t "$tok" -o data.jsh docs.jsonl
	refuses 1 absent jcollect -q absent -o out/x
	refuses 1 absent jcollect extract -q absent -o out/x
	refuses 1 absent.yaml jcollect -q --domain absent.yaml -o out/x
	refuses 1 absent jfilter -q absent -o out/x
	refuses 1 absent jfilter dedup -q absent -o out/x
	refuses 1 absent jfilter split -q --valid-file out/v absent -o out/x
	refuses 1 absent jfilter signals -q absent -o out/x
	refuses 2 absent jfilter -q --rules absent docs.jsonl -o out/x
	refuses 1 absent jtokenize encode -q -t "$tok" absent -o out/x
	refuses 2 absent jtokenize encode -q -t absent docs.jsonl -o out/x
	refuses 1 absent jtokenize train -q -v 300 absent -o out/x
	refuses 1 absent jtokenize check -q absent
	refuses 1 absent jtrain pretrain -q "${train[@]}" --data absent -o out/x
	refuses 1 absent jtrain pretrain -q "${train[@]}" --data data.jsh --valid absent -o out/x
	refuses 2 absent jtrain pretrain -q --model absent --tokenizer "$tok" --data data.jsh -o out/x
	refuses 1 absent jgen complete -q -m absent -p hello -n 1 -o out/x
	refuses 1 absent jgen synth -q --structure absent -o out/x
	refuses 1 absent jeval ppl -q -m absent docs.jsonl -o out/x
	refuses 1 absent jeval baseline -q --tokenizer "$tok" --train absent docs.jsonl -o out/x
	refuses 2 absent jeval report -q absent -o out/x
	refuses 1 absent jmodel convert -q absent out/x
	refuses 1 absent jmodel logits -q -m absent --ids 1,2
	refuses 2 absent jupiter config -q absent -o out/x
	refuses 2 absent jupiter start -q --domain absent.yaml --auto --work out/x
}

@test "truncated archives and compressed files" {
	tar -cf whole.tar pages
	tar -czf whole.tgz pages
	python3 -c 'import shutil; shutil.make_archive("whole", "zip", ".", "pages")'
	make_deb pages whole.deb
	for f in whole.tar whole.tgz whole.zip whole.deb; do
		cut_file $f >cut."${f##*.}"
		refuses 1 "cut\.${f##*.}: .*([Tt]runcated|damaged|no archive)" jcollect -q cut."${f##*.}" -o out/x
	done
	gzip -c docs.jsonl >whole.gz
	cut_file whole.gz >cut.gz
	refuses 1 'cut.gz: .*truncated after [0-9]+ bytes' jfilter -q cut.gz -o out/x
	refuses 1 'cut.gz: .*truncated' jfilter dedup -q cut.gz -o out/x
	refuses 1 'cut.gz: .*truncated' jtokenize encode -q -t "$tok" cut.gz -o out/x
	refuses 1 'cut.gz: .*truncated' jtokenize train -q -v 300 cut.gz -o out/x
	refuses 1 'cut.gz: .*truncated' jtokenize count -q -t "$tok" cut.gz -o out/x
	refuses 1 'cut.gz: .*truncated' jtrain pretrain -q "${train[@]}" --data cut.gz -o out/x
	refuses 1 'cut.gz: .*truncated' jgen synth -q --structure cut.gz -o out/x
}

@test "truncated and damaged shards, models in both formats" {
	make_models
	refuses 1 'cut.jsh: .*incomplete' jtokenize check -q cut.jsh
	refuses 1 'cut.jsh: .*incomplete' jtrain pretrain -q "${train[@]}" --data cut.jsh -o out/x
	refuses 1 'cut.jsh: .*incomplete' jeval ppl -q -m model cut.jsh -o out/x
	cp data.jsh bent.jsh
	printf 'xyzzy' | dd of=bent.jsh bs=1 seek=9000 conv=notrunc 2>dd.err
	refuses 1 'bent.jsh: .*block' jtokenize check -q bent.jsh
	for m in cutmodel cut.gguf; do
		refuses 1 "$m.*(truncated|bytes)" jmodel info -q $m
		refuses 1 "$m" jmodel convert -q $m out/x
		refuses 1 "$m" jmodel convert -q $m out/x.gguf
		refuses 1 "$m" jmodel logits -q -m $m --ids 1,2
		refuses 1 "$m" jmodel verify -q model $m
		refuses 1 "$m" jgen complete -q -m $m -p hello -n 1 -o out/x
		refuses 1 "$m" jeval ppl -q -m $m docs.jsonl -o out/x
		refuses 1 "$m" jtrain sft -q --model $m --data pairs.jsonl --steps 1 --seq 32 -o out/x
	done
}

@test "a tokenizer that does not belong to the model or the data" {
	make_models
	jtokenize train -q -v 300 -o other docs.jsonl
	refuses 2 'data.jsh: made with another tokenizer' \
		jtrain pretrain -q --model nano --tokenizer other --steps 1 --batch 2 --seq 32 --data data.jsh -o out/x
	refuses 2 'vocabulary' \
		jtrain sft -q --model model --tokenizer other --data pairs.jsonl --steps 1 --seq 32 -o out/x
	refuses 1 'vocabulary|tokenizer' jeval ppl -q -m model --tokenizer other docs.jsonl -o out/x
	refuses 1 'vocabulary|tokenizer' jgen complete -q -m model --tokenizer other -p hello -n 1 -o out/x
	jtokenize encode -q -t other -o others.jsh docs.jsonl
	refuses 1 'others.jsh: made with another tokenizer' jeval ppl -q -m model others.jsh -o out/x
}

@test "a folder where a file is wanted, and the other way round" {
	mkdir empty
	refuses 1 'pages' jfilter -q pages -o out/x
	refuses 1 'pages' jtokenize encode -q -t "$tok" pages -o out/x
	refuses 2 'pages' jtokenize encode -q -t pages docs.jsonl -o out/x
	refuses 1 'pages' jtrain pretrain -q "${train[@]}" --data pages -o out/x
	refuses 1 'pages' jgen synth -q --structure pages -o out/x
	refuses 1 'pages' jmodel info -q pages
	refuses 1 'docs.jsonl' jmodel info -q docs.jsonl
	refuses 1 'pages' jcollect -q --domain pages -o out/x
	refuses 2 'no run|not the folder' jeval report -q empty -o out/x
	for t in jcollect jfilter; do
		[ $t = jcollect ] && in=pages || in=docs.jsonl
		refuses 1 'empty.*[Dd]irectory' $t -q $in -o empty
	done
	refuses 1 'docs.jsonl' jtrain pretrain -q "${train[@]}" --data docs.jsonl -o docs.jsonl
	[ -s docs.jsonl ]
}

@test "a domain file with a mistake: file, line, the nearest key" {
	make_domain good.yaml
	sed 's/keywords/keywrds/' good.yaml >typo.yaml
	sed 's/steps: 8/steps: many/' good.yaml >type.yaml
	sed 's/keywords: \[manual/keywords: [[manual/' good.yaml >syntax.yaml
	printf 'domain: \001\n' >binary.yaml
	: >empty.yaml
	for t in "jcollect -q --domain" "jfilter -q docs.jsonl --domain" "jupiter config -q" \
		"jupiter start -q --auto --work out/x --domain"; do
		refuses 1 "typo.yaml:4: unknown key 'keywrds'.*did you mean 'keywords'" $t typo.yaml -o out/y
		refuses 1 'type.yaml:11: .*steps: expected a number, found "many"' $t type.yaml -o out/y
		refuses 1 'syntax.yaml:[0-9]+' $t syntax.yaml -o out/y
		refuses 1 'binary.yaml' $t binary.yaml -o out/y
		refuses 1 'empty.yaml' $t empty.yaml -o out/y
	done
	! jupiter check typo.yaml type.yaml good.yaml >list 2>err
	[ "$(grep -c '^bad ' list)" -eq 2 ]
	[ "$(grep -c '^ok ' list)" -eq 1 ]
}

@test "a full device as output" {
	[ -w /dev/full ] || skip "no /dev/full"
	make_models
	head -n 3 docs.jsonl >few.jsonl
	full() {
		local status=0
		"$@" >/dev/full 2>stderr </dev/null || status=$?
		[ $status -eq 1 ] || fail "$*: status $status"
		grep -q 'No space left' stderr || fail "$*: $(cat stderr)"
		[ "$(wc -l <stderr)" -eq 1 ] || fail "$*: $(cat stderr)"
	}
	full jcollect -q pages
	full jcollect extract -q pages/page001.html
	full jfilter -q few.jsonl
	full jfilter dedup -q few.jsonl
	full jfilter explain -q few.jsonl
	full jtokenize -q -t "$tok" few.jsonl
	full jtokenize ids -q -t "$tok" few.jsonl
	full jtokenize count -q -t "$tok" few.jsonl
	full jtokenize check -q data.jsh
	full jgen synth -q --structure few.jsonl
	full jgen complete -q -m model -p hello -n 2 --temperature 0
	full jeval ppl -q -m model few.jsonl
	full jeval baseline -q --tokenizer "$tok" --train docs.jsonl few.jsonl
	full jmodel info -q model
	full jmodel logits -q -m model --ids 1,2
	! jupiter model-info -q tiny >/dev/full 2>stderr
	grep -q 'No space left' stderr
	full jtrain plan -q "${train[@]}" --data data.jsh
	for t in "jcollect -q pages" "jfilter -q few.jsonl" "jgen synth -q --structure few.jsonl" \
		"jeval ppl -q -m model few.jsonl"; do
		refuses 1 '/dev/full.*No space left' $t -o /dev/full
	done
}

@test "empty input is no failure of a filter, and no product of a trainer" {
	: >empty
	for t in "jfilter -q" "jfilter dedup -q" "jfilter signals -q" "jtokenize count -q -t $tok" \
		"jgen synth -q --structure"; do
		$t empty >stdout 2>stderr
		[ ! -s stderr ] || fail "$t: $(cat stderr)"
	done
	refuses 1 'no text' jtokenize train -q -v 300 empty -o out/x
	refuses 1 'empty' jtrain pretrain -q "${train[@]}" --data empty -o out/x
	jtokenize encode -q -t "$tok" -o none.jsh empty
	jtokenize check -q none.jsh >stdout
	refuses 1 'none.jsh' jtrain pretrain -q "${train[@]}" --data none.jsh -o out/x
	refuses 2 'no source' jcollect -q -o out/x
}

@test "standard input closed" {
	for t in "jfilter -q" "jfilter dedup -q" "jtokenize -q -t $tok" "jtokenize ids -q -t $tok" \
		"jgen synth -q --structure" "jcollect -q -"; do
		status=0
		timeout 20 $t >stdout 2>stderr <&- || status=$?
		[ $status -eq 1 ] || fail "$t <&-: status $status"
		[ "$(wc -l <stderr)" -eq 1 ] || fail "$t <&-: $(cat stderr)"
	done
}

@test "invalid UTF-8: a record is refused and told with its line, text is taken byte by byte" {
	printf '{"id":"a","text":"caf\351 is here."}\n' >bad.jsonl
	head -n 2 docs.jsonl >>bad.jsonl
	for t in "jfilter --rules none" "jfilter dedup" "jfilter signals" "jtokenize count -t $tok"; do
		$t --rejects rejects bad.jsonl >stdout 2>stderr
		grep -q '3 in, 2 out, 1 rejected' stderr || fail "$t: $(cat stderr)"
		[ "$(wc -l <rejects)" -eq 1 ] || fail "$t: $(wc -l <rejects) rejects"
		iconv -f utf-8 -t utf-8 rejects >iconv.out || fail "$t: rejects are not UTF-8"
		jq -e .drop rejects >jq.out
	done
	printf 'caf\351 is here\nand there\n' >bad.txt
	jtokenize ids -q -t "$tok" bad.txt | jtokenize decode -q -t "$tok" | jq -r . >back
	[ "$(sed -n 2p back)" = "and there" ]
	printf '<p>caf\351 is here, and the page has enough to say about it to be taken in by the collector.</p>' >l1.html
	jcollect -q l1.html | jq -r .text | grep -q 'café is here'
}

@test "an option that is not there, and one that makes no sense" {
	for t in jcollect jfilter "jfilter dedup" jtokenize "jtokenize train" "jtrain pretrain" "jtrain sft" \
		"jgen complete" "jeval ppl" "jmodel info" "jupiter start"; do
		status=0
		$t --frobnicate >stdout 2>stderr </dev/null || status=$?
		[ $status -eq 2 ] || fail "$t --frobnicate: status $status"
		grep -q 'unknown option --frobnicate' stderr || fail "$t: $(cat stderr)"
		[ ! -s stdout ] || fail "$t: wrote to standard output"
	done
	refuses 2 '0\.8|threshold' jfilter dedup -q --threshold 7 docs.jsonl -o out/x
	refuses 2 'share' jfilter split -q --valid 200% --valid-file out/v docs.jsonl -o out/x
	refuses 2 'vocabulary of 3' jtokenize train -q -v 3 docs.jsonl -o out/x
	refuses 2 'kind' jcollect -q --kind books pages -o out/x
	refuses 2 'schedule' jtrain pretrain -q "${train[@]}" --data docs.jsonl --schedule zigzag -o out/x
	refuses 2 'must come before' jfilter -j 1 dedup docs.jsonl
}
