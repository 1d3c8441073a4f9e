#!/usr/bin/env bats
# jgen synth --structure: pairs are spans of their documents, the same for any -j.

bats_require_minimum_version 1.5.0

setup() {
	J_BIN=${J_BIN:-$BATS_TEST_DIRNAME/../../bin}
	cd "$BATS_TEST_TMPDIR"
	for i in 1 2 3 4 5; do
		jq -nc --arg id "doc$i" --arg t "# \`m$i\` — Module $i

The module m$i holds helpers for tests of the structure reader. It is small.

## \`m$i.f(x, *, y=None)\`

Return x doubled, or y if that is given and not None.
" '{id: $id, title: ("m" + $id + " — Module"), text: $t}'
	done >docs.jsonl
}

@test "jgen synth: every answer is a span of its document at the offset given" {
	"$J_BIN/jgen" synth --structure -q -o pairs.jsonl docs.jsonl
	[ "$(wc -l <pairs.jsonl)" -eq 15 ]
	jq -s -e --slurpfile docs docs.jsonl '
		(INDEX($docs[]; .id)) as $d | all(.[]; . as $p | ($d[$p.source.parent].text | contains($p.answer)))' pairs.jsonl
	jq -r '.source.form' pairs.jsonl | sort | uniq -c | tr -s ' ' | grep -x ' 5 signature'
}

@test "jgen synth: the same bytes for -j 1 and -j 4" {
	"$J_BIN/jgen" synth --structure -q -j 1 docs.jsonl >a
	"$J_BIN/jgen" synth --structure -q -j 4 docs.jsonl >b
	cmp a b
}

@test "jgen synth: code and broken records give no pairs and are counted" {
	echo 'not json' >>docs.jsonl
	jq -nc '{id: "c", type: "code", text: "# not a heading\n\nbut a comment of a program, which is code."}' >>docs.jsonl
	run --separate-stderr "$J_BIN/jgen" synth --structure docs.jsonl
	[ "$status" -eq 0 ]
	[ "$(wc -l <<<"$output")" -eq 15 ]
	grep -q 'not_a_document 1' <<<"$stderr"
}

@test "jgen synth: without --structure it says what is missing" {
	run --separate-stderr "$J_BIN/jgen" synth docs.jsonl
	[ "$status" -eq 2 ]
	grep -q 'synth --structure' <<<"$stderr"
}
