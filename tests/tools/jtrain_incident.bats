#!/usr/bin/env bats
# jtrain: steps that are left out: outliers, values that are not finite, updates that ruin a weight.

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	PATH="$(cd "${J_BIN:-bin}" && pwd):$PATH"
	d="$BATS_TEST_TMPDIR"
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		printf '{"text":"Document %d: the cat number %d sat on mat %d and looked at the moon."}\n' \
			$i $((i * 7)) $((i * i))
	done >"$d/docs.jsonl"
	run_opts=(--tokenizer tests/ref/bytetok --batch 4 --seq 48 --lr 3e-3 --warmup 2 --seed 5 --no-prov -q)
	poisoned="$d/docs.jsonl:13"
}

stable() {
	sed 's/,"tokens_per_s".*//' "$1"
}

same_run() {
	cmp "$1/model.safetensors" "$2/model.safetensors"
	diff <(stable "$1/metrics.jsonl") <(stable "$2/metrics.jsonl")
	diff "$1/incidents.jsonl" "$2/incidents.jsonl"
}

# $d/bad: a model that overflows on the letter Z, whose token is 57; $d/docs.jsonl:13 has it.
poison() {
	local w="$d/bad/model.safetensors"
	echo '{"text":"Zebras are poison: the ZZ row."}' >>"$d/docs.jsonl"
	jtrain pretrain --model nano "${run_opts[@]}" --data "$d/docs.jsonl" --steps 1 -o "$d/bad"
	python3 tests/ref/poison.py "$w" model.embed_tokens.weight all 5 0
	python3 tests/ref/poison.py "$w" model.embed_tokens.weight 57 5 1
	python3 tests/ref/poison.py "$w" model.layers.0.self_attn.v_proj.weight all 5 1e38
}

@test "a poisoned record: the run stops, names tensor and documents, writes no model" {
	poison
	run jtrain pretrain --model "$d/bad" "${run_opts[@]}" --data "$d/docs.jsonl" --steps 8 -o "$d/a"
	[ "$status" -eq 1 ]
	[[ "$output" == *"step 1: loss nan"*"not applied"*"gradient model."*"documents: $poisoned"* ]]
	[ ! -e "$d/a/config.json" ]
	grep -q '"kind":"nonfinite".*"tensor":"model.*"row":[0-9]*,"documents":\["'"$poisoned" "$d/a/incidents.jsonl"
}

@test "--on-nonfinite skip leaves out the steps with the poisoned record and no other" {
	poison
	opts=(--model "$d/bad" "${run_opts[@]}" --data "$d/docs.jsonl" --steps 8 --on-nonfinite skip --save-every 2)
	jtrain pretrain "${opts[@]}" -o "$d/a"
	left=$(sed -n 's/^{"step":\([0-9]*\).*"left_out":"nonfinite".*/\1/p' "$d/a/metrics.jsonl" | tr '\n' ' ')
	with=$(jtrain which --step 1-8 "$d/a" -q | grep "\"$poisoned\"" |
		sed 's/{"step":\([0-9]*\).*/\1/' | uniq | tr '\n' ' ')
	[ -n "$left" ]
	[ "$left" = "$with" ]
	[ "$(grep -c "\"$poisoned\"" "$d/a/incidents.jsonl")" -eq "$(wc -w <<<"$left")" ]
	# Stopped and gone on with, all is the same, the record of incidents too.
	cp -R "$d/a" "$d/b"
	rm -r "$d/b"/config.json "$d/b"/model.safetensors "$d/b"/trainer_state.json "$d/b"/checkpoint-000000008
	jtrain pretrain "${opts[@]}" -o "$d/b" --resume
	same_run "$d/a" "$d/b"
}

@test "an update that ruins a weight is undone: back to the checkpoint, or to the start" {
	# A weight that no document uses, near the largest float: only a high rate makes it overflow.
	jtrain pretrain --model nano "${run_opts[@]}" --data "$d/docs.jsonl" --steps 1 -o "$d/m"
	mkdir "$d/untied"
	sed 's/"tie_word_embeddings": true/"tie_word_embeddings": false/' "$d/m/config.json" >"$d/untied/config.json"
	jtrain pretrain --model "$d/untied" "${run_opts[@]}" --data "$d/docs.jsonl" --steps 1 -o "$d/u"
	python3 tests/ref/poison.py "$d/u/model.safetensors" model.embed_tokens.weight 57 3 1e38
	opts=(--model "$d/u" "${run_opts[@]}" --data "$d/docs.jsonl" --steps 5 --schedule cyclical --cycle 4
		--warmup 0 --lr 5e-3 --weight-decay 1000)
	run jtrain pretrain "${opts[@]}" -o "$d/stopped"
	[ "$status" -eq 1 ]
	[[ "$output" == *"step 3"*"weight after the update model.embed_tokens.weight"* ]]
	jtrain pretrain "${opts[@]}" --on-nonfinite skip --save-every 1 -o "$d/a"
	jtrain pretrain "${opts[@]}" --on-nonfinite skip -o "$d/b"
	same_run "$d/a" "$d/b"
	grep -q '^{"step":3,.*"left_out":"nonfinite"' "$d/a/metrics.jsonl"
	[ "$(grep -c left_out "$d/a/metrics.jsonl")" -eq 1 ]
	[ "$(wc -l <"$d/a/metrics.jsonl")" -eq 5 ]
}

@test "a run whose every step is not finite ends" {
	run jtrain pretrain --model nano "${run_opts[@]}" --data "$d/docs.jsonl" --steps 400 --lr 900 --clip 0 \
		--warmup 0 --on-nonfinite skip -o "$d/a"
	[ "$status" -eq 1 ]
	[[ "$output" == *"10 steps in a row"* ]]
	[ ! -e "$d/a/config.json" ]
}

@test "weights that are not finite are refused before the first step" {
	jtrain pretrain --model nano "${run_opts[@]}" --data "$d/docs.jsonl" --steps 1 -o "$d/m"
	python3 tests/ref/poison.py "$d/m/model.safetensors" model.layers.1.mlp.up_proj.weight 7 7 nan
	run jtrain pretrain --model "$d/m" "${run_opts[@]}" --data "$d/docs.jsonl" --steps 2 -o "$d/a"
	[ "$status" -eq 1 ]
	[[ "$output" == *"weight model.layers.1.mlp.up_proj.weight holds a value that is not finite"* ]]
}

@test "an outlier is left out and told; the windows survive a stop" {
	# Text unlike the rest: a high loss once the rest is known.
	echo '{"text":"~~~ QQQQ |||| @@@@ WWWW ^^^^ KKKK #### VVVV"}' >>"$d/docs.jsonl"
	opts=(--model nano "${run_opts[@]}" --data "$d/docs.jsonl" --batch 1 --steps 60 --outlier-loss 3
		--outlier-norm 6 --outlier-window 16 --save-every 10 --keep 9)
	jtrain pretrain "${opts[@]}" -o "$d/a"
	grep -q '"kind":"outlier".*"loss_z":.*"documents":' "$d/a/incidents.jsonl"
	step=$(sed -n '1s/^{"step":\([0-9]*\).*/\1/p' "$d/a/incidents.jsonl")
	[ "$step" -gt 16 ]
	grep -q "^{\"step\":$step,.*\"left_out\":\"outlier\"" "$d/a/metrics.jsonl"
	jtrain which --step "$step" "$d/a" -q | grep -q "\"$poisoned\",\"left_out\":\"outlier\"}"
	[ "$(jtrain which --step 1-60 "$d/a" -q | jq -r 'select(.left_out).step' | sort -n | uniq | tr '\n' ' ')" = \
		"$(jq -r .step "$d/a/incidents.jsonl" | tr '\n' ' ')" ]
	cp -R "$d/a" "$d/b"
	rm -r "$d/b"/config.json "$d/b"/model.safetensors "$d/b"/trainer_state.json \
		"$d/b"/checkpoint-0000000[3456]0
	jtrain pretrain "${opts[@]}" -o "$d/b" --resume
	same_run "$d/a" "$d/b"
}
