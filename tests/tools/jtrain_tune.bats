#!/usr/bin/env bats
# jtrain tune: grid, random, halving; what a kill leaves; refusals with the line.

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	PATH="$(cd "${J_BIN:-bin}" && pwd):$PATH"
	d="$BATS_TEST_TMPDIR"
	for i in 1 2 3 4 5 6 7 8; do
		printf '{"text":"Document %d: the cat number %d sat on mat %d."}\n' $i $((i * 7)) $((i * i))
	done >"$d/docs.jsonl"
	echo '{"text":"Document 9: the cat number 63 sat on mat 81."}' >"$d/valid.jsonl"
	run_opts=(--model nano --tokenizer tests/ref/bytetok --data "$d/docs.jsonl" --valid "$d/valid.jsonl"
		--batch 2 --seq 32 --warmup 1 --no-prov -q)
}

space() {
	printf '%s\n' "$@" >"$d/space.yaml"
}

@test "halving: each round keeps the best of one in eta; killed and gone on with, the same bytes" {
	space 'method: halving' 'trials: 6' 'first: 3' 'eta: 3' 'space:' \
		'  lr: {min: 1e-4, max: 3e-2, scale: log}' '  optimizer: [adamw, muon]'
	jtrain tune --space "$d/space.yaml" "${run_opts[@]}" --steps 27 -o "$d/a" >"$d/out"
	[ "$(jq .step "$d/a/ledger.jsonl" | tr '\n' ' ')" = "3 3 3 3 3 3 9 9 27 " ]
	best=$(jq -s 'map(select(.step == 3)) | sort_by(.value) | .[:2] | map(.trial) | sort | tostring' "$d/a/ledger.jsonl")
	[ "$best" = "$(jq -s 'map(select(.step == 9)) | map(.trial) | sort | tostring' "$d/a/ledger.jsonl")" ]
	last=$(jq 'select(.step == 27).trial' "$d/a/ledger.jsonl")
	[ "$(readlink "$d/a/best")" = "trial-000$last" ]
	grep -q "best: $d/a/trial-000$last" "$d/out"
	grep -q "held-out loss" "$d/out"
	[ "$(jq -s 'last.valid_loss' "$d/a/best/metrics.jsonl")" = "$(jq 'select(.step == 27).value' "$d/a/ledger.jsonl")" ]
	# Cut off inside a line of the ledger and inside the last trial.
	cp -R "$d/a" "$d/b"
	head -c -30 "$d/a/ledger.jsonl" >"$d/b/ledger.jsonl"
	rm -r "$d/b/best" "$d/b/trial-000$last"/{config.json,model.safetensors,trainer_state.json}
	jtrain tune --space "$d/space.yaml" "${run_opts[@]}" --steps 27 -o "$d/b" >"$d/out2"
	cmp "$d/a/ledger.jsonl" "$d/b/ledger.jsonl"
	cmp "$d/a/best/model.safetensors" "$d/b/best/model.safetensors"
	diff <(sed "s|$d/a|$d/b|" "$d/out") "$d/out2"
	# The winner is the run of its options.
	lr=$(jq -r 'select(.step == 27).options.lr' "$d/a/ledger.jsonl")
	o=$(jq -r 'select(.step == 27).options.optimizer' "$d/a/ledger.jsonl")
	jtrain pretrain "${run_opts[@]}" --steps 27 --lr "$lr" --optimizer "$o" -o "$d/c"
	cmp "$d/c/model.safetensors" "$d/a/best/model.safetensors"
}

@test "a grid has all its points, a trial that is not finite is the worst, the metric may be the loss" {
	space 'method: grid' 'metric: loss' 'space:' '  lr: {min: 1e-3, max: 3e-3, count: 2}' '  clip: [1]' \
		'  weight-decay: [0, 1000]' '  seed: [1, 2]'
	jtrain tune --space "$d/space.yaml" "${run_opts[@]}" --steps 4 -o "$d/a" >"$d/out"
	[ "$(jq -rc '[.options.lr, .options["weight-decay"], .options.seed] | join("/")' "$d/a/ledger.jsonl" | sort | tr '\n' ' ')" \
		= "0.001/0/1 0.001/0/2 0.001/1000/1 0.001/1000/2 0.003/0/1 0.003/0/2 0.003/1000/1 0.003/1000/2 " ]
	space 'method: grid' 'metric: loss' 'space:' '  lr: [900, 1e-3]'
	jtrain tune --space "$d/space.yaml" "${run_opts[@]}" --clip 0 --steps 30 -o "$d/b" >"$d/out"
	grep -q '"trial":0,"step":30,"failed":".*not applied' "$d/b/ledger.jsonl"
	[ "$(readlink "$d/b/best")" = trial-0001 ]
	[ "$(jq '.value' <(tail -1 "$d/b/ledger.jsonl"))" = \
		"$(jq -s '.[-3:] | map(.loss) | add / 3' "$d/b/best/metrics.jsonl")" ]
}

@test "random values depend on seed and trial alone" {
	space 'trials: 3' 'seed: 7' 'space:' '  lr: {min: 1e-4, max: 1e-2, scale: log}' '  batch: {min: 1, max: 4, whole: true}'
	jtrain tune --space "$d/space.yaml" "${run_opts[@]}" --steps 1 -o "$d/a" >/dev/null
	space 'trials: 5' 'seed: 7' 'space:' '  lr: {min: 1e-4, max: 1e-2, scale: log}' '  batch: {min: 1, max: 4, whole: true}'
	jtrain tune --space "$d/space.yaml" "${run_opts[@]}" --steps 1 -o "$d/b" >/dev/null
	cmp "$d/a/ledger.jsonl" <(head -3 "$d/b/ledger.jsonl")
	run jtrain tune --space "$d/space.yaml" "${run_opts[@]}" --steps 1 -o "$d/a"
	[ "$status" -eq 2 ]
	[[ "$output" == *"began with another space"* ]]
}

@test "a search does not go on with other options; what a trial cannot have is told before the first" {
	space 'method: halving' 'trials: 3' 'first: 2' 'eta: 2' 'space:' '  lr: {min: 1e-4, max: 1e-2, scale: log}'
	jtrain tune --space "$d/space.yaml" "${run_opts[@]}" --steps 4 -o "$d/a" >/dev/null
	run jtrain tune --space "$d/space.yaml" "${run_opts[@]}" --steps 4 --clip 0.5 -o "$d/a"
	[ "$status" -eq 2 ]
	[[ "$output" == *"$d/a: the search began with '--clip 1', not '--clip 0.5'"* ]]
	run jtrain tune --space "$d/space.yaml" "${run_opts[@]}" --steps 4 --seed 3 -o "$d/a"
	[ "$status" -eq 2 ]
	[[ "$output" == *"'--seed 0', not '--seed 3'"* ]]
	jtrain tune --space "$d/space.yaml" "${run_opts[@]}" --steps 4 --keep 1 -o "$d/a" >/dev/null
	run jtrain tune --space "$d/space.yaml" "${run_opts[@]}" --steps 8 --valid-every 3 -o "$d/b"
	[ "$status" -eq 2 ]
	[[ "$output" == *"--valid-every 3 does not divide the 2 steps of the first round"* ]]
	space 'method: grid' 'space:' '  batch: [2, 3, 4]'
	run jtrain tune --space "$d/space.yaml" "${run_opts[@]}" --steps 4 --accumulate 2 -o "$d/b"
	[ "$status" -eq 2 ]
	[[ "$output" == *"trial 1: --accumulate: 2 does not divide --batch 3"* ]]
	run jtrain tune --space "$d/space.yaml" "${run_opts[@]}" --steps 4 --log "$d/log" -o "$d/b"
	[ "$status" -eq 2 ]
	[[ "$output" == *"--log: every trial has its log in its folder"* ]]
	[ ! -e "$d/b" ]
	jtrain tune --space "$d/space.yaml" "${run_opts[@]}" --steps 2 --log-to "$d/tb" -o "$d/b" >"$d/out"
	[ "$(cd "$d/tb" && echo */*)" = "$(for i in 0 1 2; do printf 'trial-000%d/events.out.tfevents.jtrain\n' $i; done | paste -sd ' ')" ]
}

@test "a space that makes no sense is refused with its line, before any trial" {
	fails() { # WORD LINES
		local word=$1
		shift
		space "$@"
		run jtrain tune --space "$d/space.yaml" "${run_opts[@]}" --steps 2 -o "$d/bad"
		[ "$status" -ne 0 ]
		[[ "$output" == *"$word"* ]]
		[ ! -e "$d/bad" ]
	}
	fails "space.yaml:2: unknown key 'spac'" 'method: grid' 'spac:' '  lr: [1]'
	fails "space.yaml:3: 'lrr' is no option" 'method: grid' 'space:' '  lrr: [1]'
	fails "space.yaml:3: 'data' is no option" 'method: grid' 'space:' '  data: [a]'
	fails "space.yaml:2: unknown key 'mx'" 'space:' '  lr: {min: 1, mx: 2}'
	fails "space.yaml:2: lr: expected min up to max, both above 0" 'space:' '  lr: {min: 0, max: 2, scale: log}'
	fails "space.yaml:3: lr: a range in a grid" 'method: grid' 'space:' '  lr: {min: 1, max: 2}'
	fails "space.yaml:2: optimizer: 'adam' is no value" 'space:' '  optimizer: [adam]'
	fails "space.yaml:2: batch: '1.5' is no value" 'space:' '  batch: [1.5]'
	fails "space.yaml:2: lr: expected a list" 'space:' '  lr: 3'
	fails "expected one of" 'method: gird' 'space:' '  lr: [1]'
	space 'space:' '  lr: [1]'
	run jtrain tune --space "$d/space.yaml" --model nano --tokenizer tests/ref/bytetok --data "$d/docs.jsonl" -o "$d/x"
	[ "$status" -eq 2 ]
}
