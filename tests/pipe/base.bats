#!/usr/bin/env bats
# pipelines/domain.mk with a base: an adapter or all weights of a model that Jupiter trained itself.

setup_file() {
	load helper
	export BATS_TEST_TMPDIR="$BATS_FILE_TMPDIR/scratch"
	mkdir "$BATS_TEST_TMPDIR"
	pipe_setup
	make_pages pages 40
	make_domain tiny.yaml
	make -s -f "$root/pipelines/domain.mk" DOMAIN=tiny.yaml WORK=w BIN="$bin" J=2 >log 2>&1 ||
		fail "$(cat log)"
}

setup() {
	load helper
	pipe_setup
	cp -a "$BATS_FILE_TMPDIR/scratch/pages" .
	cp -a "$BATS_FILE_TMPDIR/scratch/w/expert" start
}

# MODE [LINE...]: a domain that fine-tunes start/
base_domain() {
	cat >tuned.yaml <<-END
		domain:
		  name: tuned
		  description: a manual of tools
		  keywords: [manual, tool, page, number]
		base: start
		mode: $1
		${2:-}
		sources:
		  - source: pages
		    kind: docs
		training:
		  steps: 6
		  batch: 2
		  lr: 0.01
		finetune:
		  steps: 4
		  batch: 2
		questions:
		  - What does tool3 do?
	END
}

job() {
	make -s -f "$root/pipelines/domain.mk" DOMAIN=tuned.yaml WORK=w BIN="$bin" J=2 >log 2>&1
}

bpb() { jq -r "select(.name == \"$1\") | .bpb" w/scores.jsonl; }

@test "mode lora: adapters on the base, merged models, the same report" {
	before=$(cksum start/model.safetensors)
	base_domain lora 'lora: r=4,alpha=8'
	job || fail "$(cat log)"
	[ "$before" = "$(cksum start/model.safetensors)" ]
	for f in base.lora/adapter_model.safetensors expert.lora/adapter_model.safetensors \
		base/model.safetensors expert/model.safetensors report.html; do
		[ -s "w/$f" ] || fail "no $f"
	done
	[ ! -e w/expert.lora/config.json ]
	jq -e '.r == 4 and (.base_model_name_or_path | endswith("/start"))' w/expert.lora/adapter_config.json
	cmp start/tokenizer.json w/tok/tokenizer.json
	jq -e -s 'map(.name) | contains(["start", "base", "expert"])' w/scores.jsonl
	awk -v a="$(bpb start)" -v b="$(bpb base)" 'BEGIN { exit !(b < a) }' || fail "$(cat w/scores.jsonl)"
	touch mark
	job || fail "$(cat log)"
	[ -z "$(find w -newer mark -type f ! -name '*.vars' ! -path '*/opts/*')" ]
}

@test "mode full: all weights of the base" {
	base_domain full
	sed -i 's/lr: 0.01/lr: 0.001/' tuned.yaml
	job || fail "$(cat log)"
	[ ! -e w/base.lora ]
	[ "$(jq .vocab_size w/base/config.json)" = "$(jq .vocab_size start/config.json)" ]
	awk -v a="$(bpb start)" -v b="$(bpb base)" 'BEGIN { exit !(b < a) }' || fail "$(cat w/scores.jsonl)"
}

@test "what does not go together is refused with its line" {
	base_domain scratch
	run jupiter config tuned.yaml
	[ "$status" -ne 0 ]
	[[ "$output" == *"tuned.yaml:5: base: mode scratch"* ]]
	base_domain lora
	sed -i '/^base:/d' tuned.yaml
	run jupiter config tuned.yaml
	[[ "$output" == *"mode: lora needs a base"* ]]
	base_domain full 'lora: r=4'
	run jupiter config tuned.yaml
	[[ "$output" == *"the mode is full"* ]]
	base_domain lora
	sed -i 's/steps: 6/preset: nano/' tuned.yaml
	run jupiter config tuned.yaml
	[[ "$output" == *"preset and vocab_size are those of the base"* ]]
	base_domain lora
	sed -i 's/base: start/base: nowhere/' tuned.yaml
	run jupiter config tuned.yaml
	[[ "$output" == *"nowhere: no such file"* ]]
}
