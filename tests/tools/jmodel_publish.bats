#!/usr/bin/env bats
# jmodel publish: the folder, its card and check sums; what is not published.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	PATH="$(cd "${J_BIN:-bin}" && pwd):$PATH"
	d="$BATS_TEST_TMPDIR"
	cp -R tests/ref/qwen3/tied "$d/m"
}

@test "files, card and check sums; training state stays behind; nothing changes in the source" {
	echo '{}' >"$d/m/trainer_state.json"
	echo 'old' >"$d/m/README.md"
	echo 'Permission is granted' >"$d/licence"
	run -0 --separate-stderr jmodel publish --licence mit --licence-file "$d/licence" --name 'A "test"' \
		--base-model org/base --description 'What it is.' --tag git --dataset org/data "$d/m" -o "$d/out"
	[[ "$output" == *'"licence":"mit"'* ]]
	(cd "$d/out" && sha256sum -c --quiet SHA256SUMS)
	[ ! -e "$d/out/trainer_state.json" ]
	[ "$(cat "$d/m/README.md")" = old ]
	grep -qx 'license: "mit"' "$d/out/README.md"
	grep -qx 'base_model: "org/base"' "$d/out/README.md"
	grep -qx '# A "test"' "$d/out/README.md"
	cmp "$d/licence" "$d/out/LICENSE"
	run -0 jmodel verify "$d/m" "$d/out"
	[[ "$output" == *identical* ]]
}

@test "a GGUF file is published too" {
	jmodel quantize --type q8_0 "$d/m" "$d/m.gguf" -q >/dev/null
	jmodel publish --licence apache-2.0 "$d/m.gguf" -o "$d/out" -q
	[ -e "$d/out/m.gguf" ]
	(cd "$d/out" && sha256sum -c --quiet SHA256SUMS)
}

@test "without a licence, damaged, or with values that are no numbers: refused, no folder" {
	run -2 jmodel publish "$d/m" -o "$d/out"
	[[ "$output" == *licence* ]]
	run -2 jmodel publish --licence 'a b' "$d/m" -o "$d/out"
	run -2 jmodel publish --licence mit "$d/m"
	cp -R "$d/m" "$d/cut"
	head -c 5000 "$d/m/model.safetensors" >"$d/cut/model.safetensors"
	run -1 jmodel publish --licence mit "$d/cut" -o "$d/out"
	cp -R "$d/m" "$d/nan"
	printf '\377\377\377\377' | dd of="$d/nan/model.safetensors" bs=1 seek=50000 conv=notrunc status=none
	run -1 jmodel publish --licence mit "$d/nan" -o "$d/out"
	[[ "$output" == *"no number"* ]]
	[ ! -e "$d/out" ]
}
