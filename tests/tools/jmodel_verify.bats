#!/usr/bin/env bats
# jmodel verify: every hop between formats keeps tokens, conversations, weights and predictions, and
# what does not is told apart.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	PATH="$(cd "${J_BIN:-bin}" && pwd):$PATH"
	d="$BATS_TEST_TMPDIR"
	stories="${J_TEST_SHARED:-../shared}/models/stories260K"
	[ -d "$stories" ] || skip "no shared models (J_TEST_SHARED)"
	jmodel convert --tokenizer tests/ref/bytetok "$stories/stories260K.bin" "$d/m" -q
}

verdict() {
	jq -r .verdict <<<"$output"
}

@test "folder, GGUF and folder again: identical; half precision and blocks: equal within a bound" {
	jmodel convert "$d/m" "$d/m.gguf" -q
	jmodel convert "$d/m.gguf" "$d/back" -q
	for b in "$d/m.gguf" "$d/back"; do
		run -0 --separate-stderr jmodel verify "$d/m" "$b"
		[ "$(verdict)" = identical ]
		[ "$(jq '.same_ids == .texts and .texts > 5' <<<"$output")" = true ]
		[ "$(jq '.same_rendered == .conversations' <<<"$output")" = true ]
		[ "$(jq '.same_weights == .weights and .sha256_a == .sha256_b' <<<"$output")" = true ]
	done
	jmodel convert --type bf16 "$d/m" "$d/half" -q
	run -4 --separate-stderr jmodel verify "$d/m" "$d/half"
	[ "$(verdict)" = "different predictions" ]
	jmodel quantize --type q8_0 "$d/m" "$d/q.gguf" -q >/dev/null
	run -0 --separate-stderr jmodel verify --max-kl 0.01 "$d/m" "$d/q.gguf"
	[ "$(verdict)" = equal ]
	[ "$(jq '.max_weight_drift > 0 and .max_weight_drift < 0.01' <<<"$output")" = true ]
	run -4 jmodel verify --max-kl 0 "$d/m" "$d/q.gguf"
}

@test "another chat template, another tokenizer: named" {
	cp -R "$d/m" "$d/t"
	echo '{{ messages[0].content }}' >"$d/m/chat_template.jinja"
	echo '{{ messages[0].role }}' >"$d/t/chat_template.jinja"
	run -4 --separate-stderr jmodel verify "$d/m" "$d/t"
	[ "$(verdict)" = "different chat templates" ]
	[[ "$stderr" == *template* ]]
	sed 's/"normalizer": null/"normalizer": {"type": "Lowercase"}/' "$d/m/tokenizer.json" >"$d/t/tokenizer.json"
	run ! cmp -s "$d/m/tokenizer.json" "$d/t/tokenizer.json"
	run -4 --separate-stderr jmodel verify "$d/m" "$d/t"
	[ "$(verdict)" = "different tokens" ]
}
