#!/usr/bin/env bats
# jupiter: domain and cluster files, the front's verbs.

bats_require_minimum_version 1.5.0

setup() {
	J_BIN=${J_BIN:-$BATS_TEST_DIRNAME/../../bin}
	cd "$BATS_TEST_TMPDIR"
	cat >mine.yaml <<-EOF
	domain:
	  name: mine
	  keywords: [alpha, beta]
	sources:
	  - source: docs
	training: { preset: nano, steps: 7 }
	questions: [What is alpha?]
	EOF
}

@test "jupiter check: the shipped domains are right" {
	"$J_BIN/jupiter" check
}

@test "jupiter check: an unknown key is named with file, line and the nearest key" {
	sed 's/keywords/keyword/' mine.yaml >bad.yaml
	run "$J_BIN/jupiter" check bad.yaml ./bad.yaml
	[ "$status" -ne 0 ]
	grep -q 'bad.yaml:3: .*keyword.*keywords' <<<"$output"
}

@test "jupiter check: a key that cannot be honoured is refused by name and line" {
	printf 'mix_ratio: { real_docs: 1, real_code: 0, synthetic_qa: 0, synthetic_tutorials: 0, synthetic_debug: 0 }\n' >>mine.yaml
	run "$J_BIN/jupiter" check ./mine.yaml
	[ "$status" -ne 0 ]
	grep -q "mine.yaml:[0-9]*: 'mix_ratio' is not supported yet" <<<"$output"
}

@test "jupiter check: cluster files are validated" {
	cat >cluster.yaml <<-EOF
	backend: mpi
	nodes:
	  - { host: a.example, role: trainer, memory_gb: 8 }
	  - { host: a.example, role: trainer, memory_gb: 4 }
	EOF
	run "$J_BIN/jupiter" check
	[ "$status" -ne 0 ]
	grep -qi 'generator' <<<"$output"
	grep -qi 'twice\|duplicate' <<<"$output"
}

@test "jupiter config: defaults are filled in, the file wins" {
	run --separate-stderr "$J_BIN/jupiter" config ./mine.yaml --make
	[ "$status" -eq 0 ]
	grep -q -- '--model nano --steps 7 ' <<<"$output"
	grep -q '^TOKENIZER := -v 4096' <<<"$output"
	"$J_BIN/jupiter" config ./mine.yaml --questions | jq -e '.messages[0].content == "What is alpha?"'
}

@test "jupiter new-domain: fills in the name, refuses to overwrite" {
	"$J_BIN/jupiter" new-domain space
	grep -q 'name: space' domains/space.yaml
	"$J_BIN/jupiter" check space
	run "$J_BIN/jupiter" new-domain space
	[ "$status" -eq 1 ]
}

@test "jupiter model-info: presets with true counts, 1B as well as 1b" {
	"$J_BIN/jupiter" model-info --preset 1B | grep -q '1195993088'
	"$J_BIN/jupiter" model-info -p 125m | grep -q '109'
}

@test "jupiter start: an unknown domain is an error that says where it looked" {
	run "$J_BIN/jupiter" start --domain nowhere --auto
	[ "$status" -eq 2 ]
	grep -q "no domain 'nowhere'" <<<"$output"
}
