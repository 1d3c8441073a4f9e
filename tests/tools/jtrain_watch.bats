#!/usr/bin/env bats
# jtrain --log-to, --wandb: event files and offline runs beside the log, across a stop, and as their
# readers see them.

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	PATH="$(cd "${J_BIN:-bin}" && pwd):$PATH"
	d="$BATS_TEST_TMPDIR"
	for i in 1 2 3 4 5 6 7 8; do
		printf '{"text":"Document %d: the cat number %d sat on mat %d."}\n' $i $((i * 7)) $((i * i))
	done >"$d/docs.jsonl"
	run_opts=(--model nano --tokenizer tests/ref/bytetok --data "$d/docs.jsonl" --batch 4 --seq 48
		--lr 3e-3 --seed 5 --steps 9 --save-every 4 --valid "$d/docs.jsonl" --valid-every 3
		--log-to "$d/tb" --no-prov -q)
}

# The run as a kill after step 8 leaves it: event file and log are ahead of the checkpoint of step 4.
stopped() {
	rm -r "$d/a/config.json" "$d/a/model.safetensors" "$d/a/trainer_state.json" \
		"$d/a/checkpoint-000000008"
	head -c -5 "$d/tb/events.out.tfevents.jtrain" >"$d/half"
	cp "$d/half" "$d/tb/events.out.tfevents.jtrain"
}

@test "one event a line of the log, also after a stop" {
	jtrain pretrain "${run_opts[@]}" -o "$d/a"
	[ "$(ls "$d/tb")" = events.out.tfevents.jtrain ]
	[ "$(grep -ao loss/train "$d/tb"/events* | wc -l)" -eq 9 ]
	[ "$(grep -ao loss/held-out "$d/tb"/events* | wc -l)" -eq 3 ]
	size=$(wc -c <"$d/tb/events.out.tfevents.jtrain")
	stopped
	jtrain pretrain "${run_opts[@]}" -o "$d/a" --resume
	[ "$(grep -ao loss/train "$d/tb"/events* | wc -l)" -eq 9 ]
	[ "$(wc -c <"$d/tb/events.out.tfevents.jtrain")" -eq "$size" ]
}

@test "a folder that cannot be made fails the run" {
	run jtrain pretrain "${run_opts[@]}" --log-to "$d/docs.jsonl/tb" -o "$d/a"
	[ "$status" -eq 1 ]
	[[ "$output" == *docs.jsonl* ]]
	[ ! -e "$d/a/config.json" ]
}

@test "TensorBoard reads the curves of the log" {
	py=${J_PEERS:+$J_PEERS/bin/python}
	[ -x "${py:-}" ] && "$py" -c 'import tensorboard' 2>/dev/null || skip "no tensorboard in J_PEERS"
	jtrain pretrain "${run_opts[@]}" -o "$d/a"
	stopped
	jtrain pretrain "${run_opts[@]}" -o "$d/a" --resume
	"$py" tests/ref/check_events.py "$d/tb" "$d/a/metrics.jsonl"
}

@test "an offline run of Weights & Biases, also after a stop" {
	jtrain pretrain "${run_opts[@]}" --wandb "$d/wb" -o "$d/a"
	file=$(ls "$d"/wb/offline-run-????????_??????-????????/run-????????.wandb)
	[ "$(head -c 4 "$file")" = ":W&B" ]
	[ "$(grep -ao loss/train "$file" | wc -l)" -eq 9 ]
	stopped
	head -c -5 "$file" >"$d/half"
	cp "$d/half" "$file"
	jtrain pretrain "${run_opts[@]}" --wandb "$d/wb" -o "$d/a" --resume
	[ "$(ls "$d/wb" | wc -l)" -eq 1 ]
	[ "$(grep -ao loss/train "$file" | wc -l)" -eq 9 ]
	[ "$(grep -ao loss/held-out "$file" | wc -l)" -eq 3 ]
	py=${J_PEERS:+$J_PEERS/bin/python}
	[ -x "${py:-}" ] && "$py" -c 'import wandb' 2>/dev/null || skip "no wandb in J_PEERS to read it back"
	"$py" tests/ref/check_wandb.py "$file" "$d/a/metrics.jsonl"
}
