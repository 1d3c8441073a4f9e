#!/usr/bin/env bats
# kill -9 of single programs, and what the next run makes of it.

setup() {
	load helper
	pipe_setup
}

# SECONDS COMMAND...: the command, killed after that time if it still runs.
killed_after() {
	local s=$1
	shift
	start_group "$@"
	sleep "$s"
	kill_group
}

@test "jcollect -o goes on where it was killed and ends with the same bytes" {
	make_pages pages 2000
	tar -cf pages.tar pages
	jcollect -q pages pages.tar -o whole.jsonl
	for t in 0.01 0.03 0.05 0.08 0.02; do
		killed_after $t jcollect pages pages.tar -o cut.jsonl
		[ ! -e cut.jsonl ] || break
	done
	jcollect pages pages.tar -o cut.jsonl 2>err
	cmp whole.jsonl cut.jsonl
	grep -q '^jcollect: 4000 in, ' err
	[ "$(leftovers .)" = "" ]
}

@test "jcollect does not take up the journal of another run" {
	make_pages pages 1200
	make_pages other 30
	killed_after 0.05 jcollect pages -o out.jsonl
	jcollect -q other -o out.jsonl
	jcollect -q other | cmp - out.jsonl
	[ "$(leftovers .)" = "" ]
}

@test "two at once into one file: the second is refused, the first is whole" {
	make_pages pages 3000
	jcollect -q pages -o whole.jsonl
	jcollect -q pages -o both.jsonl &
	await both.jsonl.part
	jcollect -q pages -o both.jsonl 2>err || grep -q 'another jcollect is writing it' err
	wait $!
	cmp whole.jsonl both.jsonl
	[ "$(leftovers .)" = "" ]
}

@test "jfilter, dedup and jtokenize leave nothing that looks whole, and do it again" {
	make_pages pages 600
	jcollect -q pages -o docs.jsonl
	for i in 1 2 3 4 5 6 7 8; do cat docs.jsonl; done >many.jsonl
	jfilter -q --no-prov -o whole.kept many.jsonl
	jfilter dedup -q --no-prov -o whole.once many.jsonl
	jtokenize encode -q --no-prov -t "$bytetok" -o whole.jsh docs.jsonl
	jtokenize encode -q --no-prov -t "$bytetok" -o whole --shard-tokens 200k docs.jsonl
	for t in 0.01 0.04 0.1; do
		killed_after $t jfilter --no-prov -o cut.kept many.jsonl
		[ ! -e cut.kept ] || cmp whole.kept cut.kept
		killed_after $t jfilter dedup --no-prov -o cut.once many.jsonl
		[ ! -e cut.once ] || cmp whole.once cut.once
		killed_after $t jtokenize encode --no-prov -t "$bytetok" -o cut.jsh docs.jsonl
		[ ! -e cut.jsh ] || cmp whole.jsh cut.jsh
		killed_after $t jtokenize encode --no-prov -t "$bytetok" -o cut --shard-tokens 200k docs.jsonl
		[ ! -e cut ] || diff -r whole cut
	done
	jfilter -q --no-prov -o cut.kept many.jsonl
	jfilter dedup -q --no-prov -o cut.once many.jsonl
	jtokenize encode -q --no-prov -t "$bytetok" -o cut.jsh docs.jsonl
	jtokenize encode -q --no-prov -t "$bytetok" -o cut --shard-tokens 200k docs.jsonl
	cmp whole.kept cut.kept
	cmp whole.once cut.once
	cmp whole.jsh cut.jsh
	diff -r whole cut
	[ "$(leftovers .)" = "" ] || fail "left behind: $(leftovers .)"
}

@test "jtrain --resume after several kills gives the model of a run that was not disturbed" {
	make_pages pages 30
	jcollect -q pages | jtokenize encode -q -t "$bytetok" -o data.jsh
	jcollect -q pages | head -n 3 | jtokenize encode -q -t "$bytetok" -o valid.jsh
	opts=(pretrain --model nano --tokenizer "$bytetok" --data data.jsh --valid valid.jsh --valid-every 2
		--optimizer muon --schedule wsd --steps 24 --batch 2 --seq 64 --save-every 3 --no-prov)
	jtrain "${opts[@]}" -q -o whole
	start_group jtrain "${opts[@]}" -o cut
	await cut/latest
	kill_group
	for t in 0.05 0.2 0.1; do
		killed_after $t jtrain "${opts[@]}" -o cut --resume
	done
	jtrain "${opts[@]}" -q -o cut --resume
	cmp whole/model.safetensors cut/model.safetensors
	diff <(jq -c '[.step, .loss, .grad_norm, .valid_loss]' whole/metrics.jsonl) \
		<(jq -c '[.step, .loss, .grad_norm, .valid_loss]' cut/metrics.jsonl)
	[ "$(leftovers cut)" = "" ]
	[ "$(find cut -name '*.tmp')" = "" ]
}

@test "looking at held-out data does not change what is trained" {
	make_pages pages 30
	jcollect -q pages | jtokenize encode -q -t "$bytetok" -o data.jsh
	jcollect -q pages | head -n 3 | jtokenize encode -q -t "$bytetok" -o valid.jsh
	opts=(pretrain -q --model nano --tokenizer "$bytetok" --data data.jsh --steps 6 --batch 2 --seq 64)
	jtrain "${opts[@]}" -o without
	jtrain "${opts[@]}" --valid valid.jsh --valid-every 1 -o with
	cmp without/model.safetensors with/model.safetensors
}
