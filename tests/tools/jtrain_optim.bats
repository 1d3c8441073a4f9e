#!/usr/bin/env bats
# jtrain pretrain: optimizers, schedules, averages, the best checkpoint; all of them across a stop.

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	PATH="$(cd "${J_BIN:-bin}" && pwd):$PATH"
	tok=tests/ref/bytetok
	d="$BATS_TEST_TMPDIR"
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		printf '{"text":"Document %d: the cat number %d sat on mat %d and looked at the moon."}\n' \
			$i $((i * 7)) $((i * i))
	done >"$d/docs.jsonl"
	run_opts=(--model nano --tokenizer "$tok" --data "$d/docs.jsonl" --batch 4 --seq 48
		--lr 3e-3 --warmup 2 --seed 5 --no-prov -q)
}

# The log without what depends on the clock.
stable() {
	sed 's/,"tokens_per_s".*//' "$1"
}

same_model() {
	cmp "$1/model.safetensors" "$2/model.safetensors"
	diff <(stable "$1/metrics.jsonl") <(stable "$2/metrics.jsonl")
}

# Makes DIR a run that stopped after its checkpoint of step N.
cut_to() {
	local dir=$1 name
	name=$(printf 'checkpoint-%09d' "$2")
	rm -f "$dir"/*.json "$dir"/*.safetensors
	for c in "$dir"/checkpoint-*; do
		[[ "${c##*/}" > "$name" ]] && rm -r "$c"
	done
	[ -d "$dir/$name" ]
}

rates() {
	sed 's/.*"lr":\([^,]*\).*/\1/' "$1/metrics.jsonl" | tr '\n' ' '
}

loss_of() { # STEP DIR
	sed -n "s/^{\"step\":$1,\"loss\":\([0-9.]*\).*/\1/p" "$2/metrics.jsonl"
}

@test "every optimizer: resumed from a checkpoint it gives the bytes of a whole run, for any -j" {
	for o in adamw adamw8bit sgd lion adafactor lamb novograd muon; do
		more=(--optimizer $o --steps 8 --save-every 3 --keep 9)
		jtrain pretrain "${run_opts[@]}" "${more[@]}" -j 2 -o "$d/$o"
		cp -R "$d/$o" "$d/$o.cut"
		cut_to "$d/$o.cut" 3
		jtrain pretrain "${run_opts[@]}" "${more[@]}" -j 1 -o "$d/$o.cut" --resume
		same_model "$d/$o" "$d/$o.cut"
	done
}

@test "the loss falls with every optimizer" {
	for o in adamw8bit:3e-3 sgd:0.3 lion:6e-4 adafactor:3e-2 lamb:2e-2 novograd:1e-2; do
		jtrain pretrain "${run_opts[@]}" --optimizer ${o%:*} --lr ${o#*:} --steps 40 -o "$d/$o"
		awk "BEGIN { exit !($(loss_of 40 "$d/$o") < 3) }"
	done
}

@test "two passes of SAM, multipliers of the rate and Nesterov's momentum survive a stop" {
	more=(--optimizer sgd --nesterov --momentum 0.8 --sam 0.05 --lr-scale '*norm*=0.5'
		--lr-scale 'model.embed*=2' --steps 6 --save-every 3)
	jtrain pretrain "${run_opts[@]}" "${more[@]}" -o "$d/a"
	cp -R "$d/a" "$d/b"
	cut_to "$d/b" 3
	jtrain pretrain "${run_opts[@]}" "${more[@]}" -o "$d/b" --resume
	same_model "$d/a" "$d/b"
	cut_to "$d/b" 3
	run jtrain pretrain "${run_opts[@]}" "${more[@]}" --lr-scale '*=1' -o "$d/b" --resume
	[ "$status" -eq 2 ]
	[[ "$output" == *"--lr-scale was"*"norm"* ]]
}

@test "a rate of 0 for some weights leaves them alone" {
	jtrain pretrain "${run_opts[@]}" --steps 1 --lr-scale '*=0' --lr 1 -o "$d/a"
	jtrain pretrain "${run_opts[@]}" --steps 1 --lr 0 -o "$d/b"
	cmp "$d/a/model.safetensors" "$d/b/model.safetensors"
}

@test "the rate follows the schedule: cyclical, two phases" {
	jtrain pretrain "${run_opts[@]}" --steps 10 --warmup 0 --schedule cyclical --cycle 4 --lr 4 \
		--min-lr 2 --clip 1e-9 --weight-decay 0 --optimizer sgd -o "$d/a"
	[ "$(rates "$d/a")" = "2 3 4 3 2 3 4 3 2 3 " ]
	jtrain pretrain "${run_opts[@]}" --steps 8 --warmup 0 --schedule constant --lr 4 --phase2 linear \
		--phase2-steps 4 --phase2-lr 2 --clip 1e-9 --weight-decay 0 --optimizer sgd -o "$d/b"
	[ "$(rates "$d/b")" = "4 4 4 4 2 1.5 1 0.5 " ]
}

@test "a cooldown branched from a long run is the short run with that decay" {
	jtrain pretrain "${run_opts[@]}" --schedule wsd --decay-steps 6 --steps 14 --save-every 5 -o "$d/short"
	jtrain pretrain "${run_opts[@]}" --schedule wsd --steps 100000 --save-every 4 --keep 9 -o "$d/long" &
	pid=$!
	for _ in $(seq 400); do
		[ -e "$d/long/checkpoint-000000008" ] && break
		sleep 0.05
	done
	kill -9 $pid
	wait $pid || true
	more=(--schedule wsd --steps 100000 --save-every 4 --keep 9)
	jtrain pretrain "${run_opts[@]}" "${more[@]}" --branch "$d/long/checkpoint-000000008" --cooldown 6 \
		-o "$d/branch"
	cmp "$d/short/model.safetensors" "$d/branch/model.safetensors"
	[ "$(stable "$d/branch/metrics.jsonl")" = "$(stable "$d/short/metrics.jsonl" | tail -6)" ]
	grep -q '"step": 14, "steps": 14,.*"cooldown_from": 8' "$d/branch/trainer_state.json"
	# Stopped in its middle, it goes on as a cooldown; the run it came from could go on, too.
	cut_to "$d/branch" 12
	jtrain pretrain "${run_opts[@]}" "${more[@]}" --branch "$d/long/checkpoint-000000008" --cooldown 6 \
		-o "$d/branch" --resume
	cmp "$d/short/model.safetensors" "$d/branch/model.safetensors"
	cut_to "$d/long" 8
	jtrain pretrain "${run_opts[@]}" "${more[@]}" --cooldown 6 -o "$d/long" --resume
	cmp "$d/short/model.safetensors" "$d/long/model.safetensors"
	run jtrain pretrain "${run_opts[@]}" "${more[@]}" --cooldown 6 -o "$d/long" --resume
	[ "$status" -eq 0 ]
	run jtrain pretrain "${run_opts[@]}" "${more[@]}" --cooldown 7 -o "$d/long" --resume
	[ "$status" -eq 2 ]
}

@test "--ema: the average is the model of the end, of checkpoints and of the held-out loss" {
	more=(--steps 12 --ema 0.8 --save-every 4 --valid "$d/docs.jsonl" --valid-every 4)
	jtrain pretrain "${run_opts[@]}" "${more[@]}" -o "$d/a"
	cp -R "$d/a" "$d/b"
	cut_to "$d/b" 8
	jtrain pretrain "${run_opts[@]}" "${more[@]}" -j 2 -o "$d/b" --resume
	same_model "$d/a" "$d/b"
	cmp "$d/a/model.safetensors" "$d/a/checkpoint-000000012/model.safetensors"
	jtrain pretrain "${run_opts[@]}" --steps 12 -o "$d/plain"
	run cmp -s "$d/a/model.safetensors" "$d/plain/model.safetensors"
	[ "$status" -eq 1 ]
	# The weights that are trained are those of a run without an average.
	diff <(stable "$d/plain/metrics.jsonl") \
		<(stable "$d/a/metrics.jsonl" | sed 's/,"valid_loss".*//')
	# The held-out loss that was told is that of the saved model.
	last=$(sed -n 's/.*"valid_loss":\([0-9.]*\).*/\1/p' "$d/a/metrics.jsonl" | tail -1)
	jtrain pretrain --model "$d/a" --data "$d/docs.jsonl" --valid "$d/docs.jsonl" --batch 4 --seq 48 \
		--steps 1 --lr 0 --no-prov -q -o "$d/again"
	[ "$last" = "$(sed -n 's/.*"valid_loss":\([0-9.]*\).*/\1/p' "$d/again/metrics.jsonl")" ]
}

@test "--patience ends a run that gets no better; --keep-best ends with its best weights" {
	# Held-out text unlike the data: its loss falls at first and rises as the run learns by heart.
	printf '{"text":"zzzz qqqq xxxx 0000 ~~~~ zzzz qqqq xxxx 0000 ~~~~"}\n' >"$d/other.jsonl"
	more=(--steps 400 --schedule constant --valid "$d/other.jsonl" --valid-every 2 --patience 3
		--keep-best --keep 1)
	jtrain pretrain "${run_opts[@]}" "${more[@]}" -o "$d/a"
	grep -q '"stopped_early": true' "$d/a/trainer_state.json"
	steps=$(tail -1 "$d/a/metrics.jsonl" | sed 's/{"step":\([0-9]*\).*/\1/')
	[ "$steps" -lt 400 ]
	best=$(sed -n 's/.*"best_step": \([0-9]*\).*/\1/p' "$d/a/trainer_state.json")
	[ $((best + 6)) -eq "$steps" ]
	[ "$(readlink "$d/a/best")" = "$(printf 'checkpoint-%09d' "$best")" ]
	cmp "$d/a/model.safetensors" "$d/a/best/model.safetensors"
	lowest=$(sed -n 's/.*"valid_loss":\([0-9.]*\).*/\1/p' "$d/a/metrics.jsonl" | sort -g | head -1)
	grep -q "\"best_loss\": $lowest" "$d/a/trainer_state.json"
	jtrain which --step "$steps" "$d/a" -q | grep -q "\"step\":$steps,"
	run jtrain which --step $((steps + 1)) "$d/a"
	[ "$status" -eq 2 ]
	[[ "$output" == *"the run has $steps"* ]]
	# Done is done; and a stop after the best changes nothing.
	before=$(cksum <"$d/a/metrics.jsonl")
	jtrain pretrain "${run_opts[@]}" "${more[@]}" -o "$d/a" --resume
	[ "$before" = "$(cksum <"$d/a/metrics.jsonl")" ]
	cp -R "$d/a" "$d/b"
	cut_to "$d/b" "$best"
	rm "$d/b/best"
	jtrain pretrain "${run_opts[@]}" "${more[@]}" -o "$d/b" --resume
	same_model "$d/a" "$d/b"
	[ "$(readlink "$d/b/best")" = "$(readlink "$d/a/best")" ]
}

@test "the best checkpoint outlives those that are pruned" {
	printf '{"text":"zzzz qqqq xxxx 0000 ~~~~ zzzz qqqq xxxx 0000 ~~~~"}\n' >"$d/other.jsonl"
	jtrain pretrain "${run_opts[@]}" --steps 40 --schedule constant --valid "$d/other.jsonl" \
		--valid-every 4 --save-every 4 --keep-best --keep 1 -o "$d/a"
	[ "$(readlink "$d/a/latest")" = checkpoint-000000040 ]
	[ "$(ls -d "$d/a"/checkpoint-* | wc -l)" -eq 2 ]
	[ -s "$d/a/best/model.safetensors" ]
}

@test "options that do not go together are refused" {
	fails() {
		local word=$1
		shift
		run jtrain pretrain "${run_opts[@]}" --steps 2 "$@" -o "$d/bad"
		[ "$status" -eq 2 ]
		[[ "$output" == *"$word"* ]]
		[ ! -e "$d/bad/config.json" ]
	}
	fails "--valid" --patience 2
	fails "--valid" --keep-best --valid "$d/docs.jsonl"
	fails "needs --resume" --cooldown 3
	fails "no checkpoint to begin at" --cooldown 3 --resume
	fails "no checkpoint" --branch "$d" --cooldown 3
	fails "PATTERN=X" --lr-scale '*norm*'
	fails "no trained weight matches" --lr-scale '*cross*=2'
	fails "--phase2-steps" --phase2 linear --phase2-steps 3
	fails "--nesterov" --nesterov
	fails "--ema" --ema 1
	fails "expected one of" --optimizer sofia
}
