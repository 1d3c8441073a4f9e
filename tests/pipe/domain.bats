#!/usr/bin/env bats
# pipelines/domain.mk and jupiter start: from a domain file to a report, whatever happens between.

# The job is done once; tests that begin with a finished one copy it, times and all.
setup_file() {
	load helper
	export BATS_TEST_TMPDIR="$BATS_FILE_TMPDIR/done"
	mkdir "$BATS_TEST_TMPDIR"
	pipe_setup
	make_pages pages 60
	make_domain tiny.yaml
	job w >log 2>&1 || fail "$(cat log)"
	sleep 1.1
}

setup() {
	load helper
	pipe_setup
	cp -a "$BATS_FILE_TMPDIR/done/pages" "$BATS_FILE_TMPDIR/done/tiny.yaml" .
}

finished_job() {
	cp -a "$BATS_FILE_TMPDIR/done/w" .
}

# WORK [MAKE ARGUMENT...]
job() {
	local w=$1
	shift
	make -s -f "$root/pipelines/domain.mk" DOMAIN=tiny.yaml WORK="$w" BIN="$bin" J=2 "$@"
}

# The products of WORK with their times.
state() {
	find "$1" -maxdepth 2 -type f ! -path '*/opts/*' ! -name domain.vars ! -name '*.log' \
		-printf '%p %T@\n' | sort
}

# Names of the products that are newer than the file.
remade() {
	find "$1" -maxdepth 2 -type f -newer "$2" -printf '%P\n'
}

@test "the main job ends with a report; a second run does nothing, quickly" {
	finished_job
	for f in docs.jsonl clean.jsonl unique.jsonl train.jsonl valid.jsonl tok/tokenizer.json train.jsh \
		valid.jsh base/model.safetensors pairs.jsonl expert/model.safetensors scores.jsonl \
		answers.jsonl; do
		[ -s "w/$f" ] || fail "no $f"
	done
	[ "$(leftovers w)" = "" ]
	grep -qi '</html>' w/report.html
	jq -e -s 'map(.name) | contains(["base", "expert"])' w/scores.jsonl
	jq -e -s 'length == 1 and (.[0].text | type == "string")' w/answers.jsonl
	state w >before
	start=$(date +%s%N)
	job w >log 2>&1
	[ $((($(date +%s%N) - start) / 1000000)) -lt 3000 ]
	state w | diff before -
	! grep -q '[0-9]/9' log
}

@test "a changed comment remakes nothing, a changed vocabulary what depends on it" {
	finished_job
	state w >before
	sed -i '1i # A comment.' tiny.yaml
	job w >log 2>&1 || fail "$(cat log)"
	state w | diff before - || fail "the comment remade something"
	touch mark
	sed -i 's/vocab_size: 400/vocab_size: 380/' tiny.yaml
	job w >log 2>&1 || fail "$(cat log)"
	remade w mark >now
	for f in tok/tokenizer.json train.jsh base/model.safetensors expert/model.safetensors scores.jsonl \
		report.html; do
		grep -qx "$f" now || fail "$f is the old one"
	done
	for f in docs.jsonl clean.jsonl unique.jsonl train.jsonl pairs.jsonl; do
		! grep -qx "$f" now || fail "$f was remade"
	done
	jq -e '.vocab_size == 380' w/base/config.json
	jq -e '.vocab_size == 380' w/expert/config.json
	# the same job from nothing gives the same expert
	job fresh fresh/expert/config.json >log 2>&1 || fail "$(cat log)"
	cmp w/expert/model.safetensors fresh/expert/model.safetensors
}

@test "changed documents, keywords and questions are noticed" {
	finished_job
	touch mark
	sed -i 's/What does tool3 do/What does tool7 do/' tiny.yaml
	job w >log 2>&1 || fail "$(cat log)"
	remade w mark >now
	grep -qx answers.jsonl now
	grep -qx report.html now
	! grep -qx base/model.safetensors now
	jq -r '.messages[0].content // .prompt' w/answers.jsonl | grep -q tool7
	touch mark
	sed -i 's/keywords: \[manual, /keywords: [/' tiny.yaml
	job w w/clean.jsonl >log 2>&1 || fail "$(cat log)"
	remade w mark >now
	grep -qx clean.jsonl now
	! grep -qx docs.jsonl now
	touch mark
	make_pages pages 61
	job w w/docs.jsonl >log 2>&1 || fail "$(cat log)"
	remade w mark | grep -qx docs.jsonl
	[ "$(wc -l <w/docs.jsonl)" -eq 61 ]
}

@test "killed at any moment and started again, the job ends with the same models" {
	make_domain tiny.yaml 24
	job whole >log 2>&1 || fail "$(cat log)"
	i=0
	for moment in docs.jsonl tok/tokenizer.json base/latest base/config.json expert/latest scores.jsonl; do
		start_group make -s -f "$root/pipelines/domain.mk" DOMAIN=tiny.yaml WORK=w BIN="$bin" J=2
		await "w/$moment"
		sleep "0.0$i"
		kill_group
		i=$((i + 1))
	done
	for delay in 0.02 0.1 0.3; do
		rm -rf v
		start_group make -s -f "$root/pipelines/domain.mk" DOMAIN=tiny.yaml WORK=v BIN="$bin" J=2
		sleep "$delay"
		kill_group
	done
	for w in w v; do
		job "$w" >log 2>&1 || fail "$(cat log)"
		for f in train.jsonl valid.jsonl tok/tokenizer.json train.jsh base/model.safetensors \
			expert/model.safetensors answers.jsonl; do
			cmp "whole/$f" "$w/$f" || fail "$w/$f differs"
		done
		[ "$(leftovers "$w")" = "" ] || fail "left behind: $(leftovers "$w")"
	done
}

@test "jupiter start is the same job; status tells how far it is" {
	finished_job
	jupiter status --work work >out
	grep -q 'no runs' out
	jupiter start --domain tiny.yaml --auto >log 2>&1 || fail "$(cat log)"
	[ -s work/tiny/report.html ]
	cmp w/expert/model.safetensors work/tiny/expert/model.safetensors
	jupiter status >out
	[ "$(grep -c '^done' out)" -eq 13 ] || fail "$(cat out)"
	grep -q 'step 8' out
}

@test "one run at a time in a folder" {
	mkfifo hold
	jupiter start --domain tiny.yaml --interactive --work w <hold >out 2>&1 &
	exec 9>hold
	await w/opts/lock
	! jupiter start --domain tiny.yaml --work w 2>err
	grep -q '^jupiter: w: another jupiter start works in this folder' err
	exec 9>&-
	wait $!
}

@test "--interactive with n stops before it runs anything; a finished job is all done" {
	echo n | jupiter start --domain tiny.yaml --interactive --work w >out 2>&1
	grep -q 'jcollect' out
	[ ! -e w/docs.jsonl ]
	jupiter status --work . w | grep -v '^w' | grep -qv '^-' && fail "something is done already"
	printf 'y\nn\n' | jupiter start --domain tiny.yaml --interactive --work w >out 2>&1
	[ -e w/docs.jsonl ]
	[ ! -e w/clean.jsonl ]
	rm -rf w
	finished_job
	jupiter start --domain tiny.yaml --interactive --work w >out 2>&1 </dev/null
	[ "$(grep -c 'done already' out)" -ge 10 ] || fail "$(cat out)"
	! grep -q 'run this step' out
}

@test "a mistake in the domain file stops the job before it begins, also in a finished run" {
	finished_job
	sed -i 's/^training:/trainign:/' tiny.yaml
	! job w >out 2>err
	grep -q "^jupiter: tiny.yaml:[0-9]*: unknown key 'trainign'.*training" err
	! grep -q -e '^jcollect' -e '^jtrain' err || fail "$(cat err)"
	! jupiter start --domain tiny.yaml --auto --work w >out 2>err
	grep -q "tiny.yaml:[0-9]*: unknown key 'trainign'" err
}

@test "no documents: the job says so and goes no further" {
	rm -rf pages
	mkdir pages
	! job w >out 2>err
	grep -q 'no documents' err || fail "$(cat err)"
	[ ! -e w/tok ]
}

@test "a handful of documents is enough: some are held out all the same" {
	rm -rf pages
	make_pages pages 5
	job w >log 2>&1 || fail "$(cat log)"
	[ "$(cat w/train.jsonl w/valid.jsonl | wc -l)" -eq 5 ]
	[ -s w/valid.jsonl ] && [ -s w/report.html ]
	rm -rf pages w
	make_pages pages 1
	! job w >log 2>&1
	grep -q 'too few documents' log
}
