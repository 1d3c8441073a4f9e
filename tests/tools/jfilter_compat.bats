#!/usr/bin/env bats
# jfilter --compat: the measures of other programs are those of their own code (tests/ref/make_compat.py).

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	bin="$(cd "${J_BIN:-bin}" && pwd)"
	[ -x "$bin/jfilter" ] || skip "no jfilter in $bin"
	tmp="$BATS_TEST_TMPDIR"
	jf="$bin/jfilter"
	pages=tests/ref/compat/pages.jsonl
}

@test "every measure of every page is what the program itself says" {
	names=$(jq -r '.want | keys[]' $pages | sort -u | paste -sd, -)
	"$jf" signals -q --only "$names" $pages >"$tmp/out"
	jq -r '. as $r | .want | to_entries[] | select((.value - $r.scores["jfilter." + .key]) | fabs > 1e-6)
		| [$r.id, .key, .value, $r.scores["jfilter." + .key]] | @tsv' "$tmp/out" >"$tmp/bad"
	cat "$tmp/bad" >&2
	[ ! -s "$tmp/bad" ]
	[ "$(jq -s 'map(.want | length) | add' "$tmp/out")" -gt 800 ]
}

@test "one page with a table, five numbers: datatrove keeps it and the others do not" {
	head -n 1 $pages >"$tmp/table"
	for p in datatrove curator dolma dclm rpv2; do
		"$jf" explain --json -q --compat $p "$tmp/table" |
			jq -c '.rules[] | select(.rule == "dup_5gram") | [.value, .limit, .verdict]' >"$tmp/$p"
	done
	[ "$(jq -r '.[2]' "$tmp/datatrove")" = ok ]
	for p in curator dolma dclm rpv2; do
		[ "$(jq -r '.[2]' "$tmp/$p")" = drop ]
	done
	jq -se '.[0][0] < .[1][0] and .[1][0] < .[2][0] and .[2][0] < .[3][0] and .[3][0] == .[4][0]' \
		"$tmp/datatrove" "$tmp/curator" "$tmp/dolma" "$tmp/dclm" "$tmp/rpv2" >/dev/null
}

@test "what line rules leave of every page is what the programs themselves leave" {
	for rules in c4-paper fineweb refinedweb; do
		"$jf" -q --rules none --clean $rules --rejects "$tmp/rej" $pages >"$tmp/kept"
		jq -c --arg r $rules '[.id, .text, .left[$r]]' "$tmp/kept" >"$tmp/got"
		jq -c --arg r $rules '[.id, "", .left[$r]]' "$tmp/rej" >>"$tmp/got"
		jq -c 'select(.[1] != .[2])' "$tmp/got" >"$tmp/bad"
		cat "$tmp/bad" >&2
		[ ! -s "$tmp/bad" ] && [ "$(wc -l <"$tmp/got")" -eq "$(wc -l <$pages)" ]
	done
}

@test "a page of full stops with CRLF is no page without them" {
	text=$(for i in $(seq 12); do printf 'The line number %d has a stop.\\r\\n' "$i"; done)
	printf '{"id":"x","text":"%s"}\n' "$text" | "$jf" signals -q --only punctuated_lines |
		jq -e '.scores["jfilter.punctuated_lines"] == 1' >/dev/null
}

@test "what the first Jupiter lets pass does not pass the rules of today" {
	jq -c 'select(.id == "gibberish" or .id == "refusal" or .id == "pointers" or .id == "noise")' $pages >"$tmp/in"
	[ "$("$jf" -q --compat jupiter "$tmp/in" | jq -r .id | tr '\n' ' ')" = "gibberish refusal pointers " ]
	[ "$("$jf" -q "$tmp/in" | jq -r .id | tr '\n' ' ')" = "pointers " ]
	# keywords count as parts of words there, and as whole words here
	jq -c 'select(.id == "pointers")' $pages | "$jf" explain -q --json --compat jupiter -k oint,nowhere >"$tmp/out"
	jq -e '.rules[] | select(.rule == "relevance") | .value == 0' "$tmp/out" >/dev/null
	jq -c 'select(.id == "pointers")' $pages | "$jf" signals -q --only jupiter.domain -k oint,nowhere |
		jq -e '.scores["jfilter.jupiter.domain"] == 1' >/dev/null
}
