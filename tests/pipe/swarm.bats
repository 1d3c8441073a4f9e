#!/usr/bin/env bats
# pipelines/swarm.mk: experts, a generalist, controls and a report, from nothing, in a few steps.

setup_file() {
	load helper
	export BATS_TEST_TMPDIR="$BATS_FILE_TMPDIR/done"
	mkdir "$BATS_TEST_TMPDIR"
	pipe_setup
	mkdir domains experts
	topic mill 'tool' 'mill'
	topic boat 'mill' 'boat'
	swarm w report experts >log 2>&1 || fail "$(cat log)"
	sleep 1.1
}

setup() {
	load helper
	pipe_setup
	cp -a "$BATS_FILE_TMPDIR/done/." .
}

# NAME FROM TO: a domain of pages in which FROM has become TO, and its expert.
topic() {
	make_pages "pages-$1" 24
	sed -i "s/$2/$3/g; s/Page/The $3 page/g" "pages-$1"/*.html
	printf 'domain:\n  name: %s\n  description: pages on the %s\n  keywords: [%s, page]\n' "$1" "$1" "$3" \
		>"domains/$1.yaml"
	printf 'sources:\n  - source: pages-%s\n    kind: docs\n' "$1" >>"domains/$1.yaml"
	printf 'name: %s\ndomain: test/%s\nkeywords: [%s]\nmodel_path: nowhere\n' "$1" "$1" "$3" \
		>"experts/$1.yaml"
}

# WORK [MAKE ARGUMENT...]
swarm() {
	local w=$1
	shift
	make -s -f "$root/pipelines/swarm.mk" DOMAINS="mill boat" DOMAIN_FILES=domains EXPERT_FILES=experts \
		FOREIGN= WORK="$w" BIN="$bin" J=2 SEEDS="1 2" VOCAB=400 STEPS=4 BATCH=2 SEQ=64 ANSWER_STEPS=2 \
		HELD_OUT=30% CUT=400 "$@"
}

@test "every arm is in the report; held-out documents were not trained on" {
	for arm in start generalist mill boat random-1 random-2 mixture mixture+start mixture+router random-mixture routed \
		oracle; do
		jq -e -s --arg a "$arm" '[.[] | select(.name == $a)] | length == 3' w/report.jsonl ||
			fail "$arm is missing"
	done
	jq -e -s 'all(.[]; .seeds == 2 and .low <= .bpb and .bpb <= .high)' w/report.jsonl
	grep -q 'against generalist' w/report.txt
	grep -q '<b>Worse than generalist:</b>' w/report.html
	grep -q 'mixture+router' w/report.html
	for t in mill boat; do
		[ -s "w/valid/$t.jsonl" ]
		jq -r .id "w/train/$t.jsonl" | sort >train.ids
		jq -r .id "w/valid/$t.jsonl" | sort | comm -12 train.ids - >both
		[ ! -s both ]
		cat "w/random/$t".[12].jsonl | sort >parts
		sort "w/train/$t.jsonl" | cmp - parts
		[ -s "w/experts/$t/model.safetensors" ]
	done
	[ "$(leftovers w)" = "" ]
}

@test "a second run does nothing; a changed length makes the models again, not the documents" {
	touch mark
	swarm w report experts >log 2>&1 || fail "$(cat log)"
	[ "$(find w -newer mark -type f ! -name domain.vars | wc -l)" -eq 0 ] || fail "$(find w -newer mark -type f)"
	cp w/report.txt before
	swarm w STEPS=8 report >log 2>&1 || fail "$(cat log)"
	! cmp -s before w/report.txt
	[ w/1/mill/model.safetensors -nt mark ]
	[ ! w/train/mill.jsonl -nt mark ]
	[ ! w/tok/tokenizer.json -nt mark ]
}

@test "mixtures stay within the bound of fixed share, document by document" {
	jq -e -s 'all(.[]; .nll.mixture <= ([.nll.mill, .nll.boat] | min) + ((2 | log) -
		.tokens * ((1 - 0.02 + 0.01) | log)) + 1e-6)' w/1/each.jsonl
	run jeval each -m a=w/1/mill --mix both=a,b w/routed.jsonl
	[ "$status" -eq 2 ]
	[[ "$output" == *"no model is called b"* ]]
	run jeval swarm --reference nobody w/1/each.jsonl
	[ "$status" -eq 2 ]
	head -1 w/2/each.jsonl >one
	run jeval swarm w/1/each.jsonl one
	[ "$status" -eq 1 ]
}
