#!/usr/bin/env bats
# jfilter: every rule drops the page that was made for it and keeps a near miss; what is read is
# kept or rejected; what is said about it is true.

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	bin="$(cd "${J_BIN:-bin}" && pwd)"
	[ -x "$bin/jfilter" ] || skip "no jfilter in $bin"
	tmp="$BATS_TEST_TMPDIR"
	good='The function opens the file that was given to it and returns a handle. If the file is not there, an error is raised, and the caller has to deal with it. All other options have a default, which is described in the section on options below. It is safe to call it from many threads at once, as long as each of them has a handle of its own.'
	more='What comes back has to be closed by who asked for it. A second call with the same name gives a second handle, and both see what either of them writes. Nothing is read before it is needed, so that opening costs little even where the file is large.'
}

# times N TEXT: TEXT N times.
times() {
	for _ in $(seq "$1"); do printf '%s' "$2"; done
}

# record ID TEXT [MEMBERS]: TEXT has JSON escapes already.
record() {
	printf '{"id":"%s","text":"%s"%s}\n' "$1" "$2" "$3"
}

# verdict OPTIONS...: the rule that drops the record on standard input, or "kept".
verdict() {
	"$bin/jfilter" -q "$@" --rejects "$tmp/rej" >"$tmp/kept" || return 1
	if [ -s "$tmp/kept" ]; then
		echo kept
	else
		sed 's/.*"drop":{"rule":"\([^"]*\)".*/\1/' "$tmp/rej"
	fi
}

# expect RULE TEXT [OPTIONS...]
expect() {
	local want=$1 text=$2 got
	shift 2
	got=$(record x "$text" | verdict "$@")
	[ "$got" = "$want" ] || { echo "expected $want, got $got: ${text:0:200}" >&2; return 1; }
}

@test "docs: a page of documentation is kept" {
	expect kept "$good"
	expect kept "# Title\\n\\n$good\\n\\n\`\`\`c\\nint f(void)\\n{\\n\\treturn NULL;\\n}\\n\`\`\`\\n\\n| a | b |\\n|---|---|\\n| NaN | undefined |\\n"
}

@test "docs: NULL, NaN, undefined and braces do not count against a page" {
	expect kept "$good $(times 6 'A NULL pointer, NaN, null or undefined {x} gives undefined. ')"
}

@test "docs: encoding" {
	expect encoding "$good cafÃ© naÃ¯ve dÃ©jÃ vu Ã la Ã©tÃ© itâ€™s"
	expect kept "$good café naïve déjà vu à la été it’s"
	expect encoding "$good \\u0001\\u0002\\u0003\\u0004\\u0005\\u0006\\u0007\\u0008"
}

@test "docs: redirect" {
	expect redirect "This page has moved. You are being redirected to the new place; click here if nothing happens in the next few seconds. Please update your bookmarks when you can do so, thank you."
	expect kept "$good $more The old page has moved to another place."
}

@test "docs: stub" {
	expect stub "The function opens the file that was given to it and returns a handle to it."
	expect kept "The function opens the file that was given to it and returns a handle to it. It fails if the file is not there, or if the caller has no right to read from it."
}

@test "docs: no content" {
	expect no_content "$(for i in $(seq 40); do printf 'Entry %d\\n' "$i"; done)"
	expect kept "$good\\n$(for i in $(seq 40); do printf 'Entry %d\\n' "$i"; done)"
}

@test "docs: navigation" {
	index=$(for i in $(seq 200); do printf 'name_%d() (built-in function)\\n' "$i"; done)
	expect navigation "$good\\n\\n$index"
	expect kept "$good\\n\\n$more\\n\\n${index:0:270}"
}

@test "docs: boilerplate" {
	expect boilerplate "Sign in. Privacy policy. Terms of use. All rights reserved. We use cookies to make this site work for you and to see how it is used by people who come here for the first time."
	expect kept "$good All rights reserved."
}

@test "docs: language" {
	expect language "$(times 12 'Zorbal quent mirra dosk pelandi varu kesh tolma. Brim selka nordu. ')" --set dup_5gram=off --set dup_10gram=off --set top_2gram=off --set dup_lines=off
	expect kept "$good"
	expect kept "El archivo se abre con la función que se ha dado en la sección anterior, y si no está, se produce un error que el programa tiene que tratar. Las otras opciones tienen un valor por defecto que es el que se describe en la tabla de abajo."
}

@test "docs: gibberish, also of the keyboard" {
	text=$(for w in asdfg qwertz zxcvb hjklh sdfghj wrtpl bcdfg xkcdq; do for i in a the of to in; do printf '%s %s%s. ' "$i" "$w" "$w"; done; done)
	expect gibberish "$text"
	expect kept "$good asdfg qwertz."
}

@test "docs: a refusal over and over" {
	expect dup_10gram "$(times 20 'I am sorry, but as a language model I can not help you with that. ')" --set dup_5gram=off --set top_2gram=off
	expect top_2gram "$(times 80 'foo bar ')" --set stub=off --set no_content=off --set navigation=off --set language=off
}

@test "docs: filler, data, numbers, lines" {
	expect lorem_ipsum "$good $(times 3 'Lorem ipsum dolor sit amet. ')"
	expect kept "$good Lorem ipsum dolor sit amet."
	blob=$(for i in $(seq 60); do printf '%s' "aG9Rk3ZpQ7xVb2NwYz0TmLs8JdE4hUfXc1AqWiO5KyPr6BtMgCvDnHjSlFeRuZxI"; done)
	expect data "$good\\n$blob" --set navigation=off
	expect letters "$good $(times 300 '| 12.5 | 0.33 ')" --set top_2gram=off --set dup_5gram=off --set dup_10gram=off --set language=off
	expect dup_lines "$(times 20 'This very line is here to be read again.\n')$good" --set dup_5gram=off --set dup_10gram=off --set top_2gram=off
}

@test "gopher: each rule of the paper" {
	long="$good $good"
	expect min_words "The dog and the cat be with me." --rules gopher
	expect min_word_chars "$(for i in $(seq 60); do printf 'a%d of ' $((i % 10)); done)" --rules gopher --set top_2gram=off
	expect max_word_chars "$(for i in $(seq 60); do printf 'the internationalization%d ' "$i"; done)" --rules gopher
	expect symbols "$good $(times 12 '# ')" --rules gopher
	expect bullets "$(for i in $(seq 9); do printf -- '- the %dth thing to be done with care and thought of its own\\n' "$i"; done)" --rules gopher
	expect ellipses "$(for w in one two three four five six; do printf 'The %s of the many things that there are to be said...\\n' "$w"; done)" --rules gopher
	expect alpha_words "$good $(for i in $(seq 40); do printf '%d ' "$i"; done)" --rules gopher
	expect stop_words "$(for w in one two three four five six seven eight nine ten; do printf 'house%s garden%s window%s kitchen%s table%s. ' $w $w $w $w $w; done) the" --rules gopher
	expect kept "$good" --rules gopher
	expect dup_lines "$good\\nline one\\nline one\\nline two\\nline two\\n" --rules gopher
	expect dup_5gram "$long" --rules gopher --set dup_lines=off --set dup_paragraphs=off --set top_2gram=off --set top_3gram=off --set top_4gram=off
}

@test "code: each rule" {
	code='int main(void)\n{\n\tstruct thing t = { 0 };\n\n\tthing_init(&t);\n\tthing_run(&t);\n\tthing_release(&t);\n\treturn 0;\n}\n'
	expect kept "$code" --rules code
	expect generated "/* Generated by tool 1.2. Do not edit. */\\n$code" --rules code
	expect kept "$code\\n\\n\\n\\n\\n\\n/* This file is generated by hand. */\\n" --rules code
	expect max_line "${code}char *s = \\\"$(times 101 'abcd efgh ')\\\";\\n" --rules code
	expect mean_line "$(times 12 'some words that go on for longer than a hundred characters in each of the lines, because they were minified;\n')" --rules code --set dup_lines=off
	expect alnum "$code$(times 500 '{};')" --rules code --set max_line=off --set mean_line=off
	expect letters "$code$(times 99 '1234567890\n')" --rules code
	expect empty "x = 1\\n" --rules code
}

@test "code records are judged as code" {
	text='# Generated by tool 1.2. Do not edit.\ndef f(x):\n    return x + 1\n\n\ndef g(x, y):\n    return f(x) * f(y) + 2\n\nclass A:\n    def __init__(self):\n        self.x = f(3)\n'
	[ "$(record a "$text" ',"type":"code"' | verdict)" = generated ]
	[ "$(record a "$good" ',"type":"docs"' | verdict)" = kept ]
	[ "$(record a "$text" ',"type":"code"' | verdict --rules code=none)" = kept ]
}

@test "web: furniture and lists of words go, prose stays" {
	expect kept "$good" --rules web
	expect short_lines "$(for i in $(seq 30); do printf 'The end of line %d.\\n' "$i"; done)$good" --rules web --set newlines=off --set dup_5gram=off --set top_2gram=off --set top_3gram=off --set top_4gram=off --set punctuated_lines=off
	expect punctuated_lines "$(for i in $(seq 12); do printf 'the %dth of the lines that have no stop and be without %d\\n' "$i" "$i"; done)" --rules web --set alpha_words=off --set dup_5gram=off --set top_2gram=off --set top_3gram=off --set top_4gram=off --set dup_6gram=off --set dup_7gram=off --set dup_8gram=off --set dup_9gram=off --set dup_10gram=off --set short_lines=off
}

@test "CRLF and LF, composed and decomposed, get the same verdict and the same numbers" {
	lf="# Café\\n\\n$good\\n\\nA line.\\nAnother line.\\n"
	crlf=${lf//\\n/\\r\\n}
	nfd=${lf//é/$'e\xcc\x81'}
	[ "$lf" != "$nfd" ]
	record x "$lf" | "$bin/jfilter" signals -q | sed 's/.*"scores"//' >"$tmp/s.1"
	record x "$crlf" | "$bin/jfilter" signals -q | sed 's/.*"scores"//' >"$tmp/s.2"
	record x "$nfd" | "$bin/jfilter" signals -q | sed 's/.*"scores"//' >"$tmp/s.3"
	cmp "$tmp/s.1" "$tmp/s.2"
	cmp "$tmp/s.1" "$tmp/s.3"
}

@test "kept + rejected = read; bad lines are kept as they were" {
	{
		record a "$good"
		echo 'not json "at all"'
		record b "too short"
		echo '{"id":"c","title":"no text"}'
		echo '{"id":"d","text":"'"$good"'","n":1.50,"z":{"b":2,"a":[1, 2]}}'
	} >"$tmp/in"
	"$bin/jfilter" --rejects "$tmp/rej" "$tmp/in" >"$tmp/out" 2>"$tmp/err"
	[ "$(wc -l <"$tmp/out")" -eq 2 ]
	[ "$(wc -l <"$tmp/rej")" -eq 3 ]
	grep -qF '5 in, 2 out, 3 rejected' "$tmp/err"
	grep -qF '"raw":"not json \"at all\"","drop":{"rule":"malformed"' "$tmp/rej"
	grep -qF '"line":2' "$tmp/rej"
	grep -qF '{"id":"c","title":"no text"}' <(sed 's/\\//g' "$tmp/rej")
	# Kept records keep their bytes.
	grep -qxF "$(sed -n 5p "$tmp/in")" "$tmp/out"
	grep -q '"id":"b".*"drop":{"rule":"stub","signal":"words","value":2,"limit":30,"side":"min"}' "$tmp/rej"
}

@test "a line over --max-line is rejected, and the next one read" {
	{ record a "$(times 500 "$good")"; record b "$good"; } >"$tmp/in"
	"$bin/jfilter" --max-line 16K --rejects "$tmp/rej" "$tmp/in" >"$tmp/out" 2>/dev/null
	[ "$(wc -l <"$tmp/out")" -eq 1 ]
	grep -q '"rule":"too_long"' "$tmp/rej"
}

@test "signals: everything is measured, nothing is dropped, old scores stay" {
	{ record a "x"; record b "$good" ',"scores":{"other.p":1.50,"jfilter.words":9}'; } |
		"$bin/jfilter" signals -q >"$tmp/out"
	[ "$(wc -l <"$tmp/out")" -eq 2 ]
	grep -q '"scores":{"other.p":1.50,"jfilter.chars":' "$tmp/out"
	[ "$(grep -o '"jfilter.words":' "$tmp/out" | wc -l)" -eq 2 ]
	"$bin/jfilter" signals -q "$tmp/out" | cmp - "$tmp/out"
	n=$("$bin/jfilter" signals --list 2>/dev/null | wc -l)
	[ "$n" -ge 40 ]
}

@test "explain: rule, value, limit, margin and verdict of every rule" {
	record a "too short" >"$tmp/in"
	"$bin/jfilter" explain -q "$tmp/in" >"$tmp/out"
	grep -q '^a: dropped by stub (rules docs)$' "$tmp/out"
	grep -Eq '^  stub +words +2  min 30 +-28  DROP$' "$tmp/out"
	grep -Eq '^  encoding +bad_chars +0  max 0.005 +0.005  ok$' "$tmp/out"
	grep -Eq '^  language .* does not apply$' "$tmp/out"
	"$bin/jfilter" --explain --json -q "$tmp/in" >"$tmp/json"
	grep -qF '{"rule":"stub","signal":"words","value":2,"margin":-28,"side":"min","limit":30,"verdict":"drop"}' "$tmp/json"
}

@test "rule files: what is printed can be given back and changed" {
	record a "A short text of nine words is in this record." >"$tmp/in"
	"$bin/jfilter" -q --rules pairs --rules code=pairs --print-rules | sed '/^---/,$d' >"$tmp/rules.yaml"
	[ "$(verdict --rules "$tmp/rules.yaml" <"$tmp/in")" = kept ]
	sed -i 's/min: 5,/min: 50,/' "$tmp/rules.yaml"
	[ "$(verdict --rules "$tmp/rules.yaml" <"$tmp/in")" = empty ]
	sed -i 's/signal: words/signal: wrods/' "$tmp/rules.yaml"
	run "$bin/jfilter" --rules "$tmp/rules.yaml" "$tmp/in"
	[ "$status" -eq 2 ]
	[[ "$output" == *"rules.yaml:5"*wrods* ]]
	run "$bin/jfilter" --rules nosuch "$tmp/in"
	[ "$status" -eq 2 ]
	run "$bin/jfilter" --set nosuch=1 "$tmp/in"
	[ "$status" -eq 2 ]
}

@test "relevance: whole words, weighed, with what speaks against" {
	record a "$good The decorator wraps a generator. A decorator and a generator, python." >"$tmp/a"
	record b "$good The undecorated factor was reset." >"$tmp/b"
	[ "$(verdict --keywords decorator,generator,python <"$tmp/a")" = kept ]
	grep -q '"scores":{"jfilter.relevance":1}' "$tmp/kept"
	[ "$(verdict --keywords decorator,actor,set <"$tmp/b")" = relevance ]
	grep -q '"drop":{"rule":"relevance","signal":"relevance","value":0,"limit":0.1,"side":"min"}' "$tmp/rej"
	[ "$(verdict --keywords decorator --negative wraps,python --min-relevance 0.5 <"$tmp/a")" = relevance ]
	[ "$(verdict --keywords decorator,actor,set --min-relevance 0 <"$tmp/b")" = kept ]
	printf 'domain:\n  name: t\n  keywords: [decorator]\n  negative_keywords: []\n' >"$tmp/d.yaml"
	[ "$(verdict --domain "$tmp/d.yaml" <"$tmp/b")" = relevance ]
	[ "$(sed 's/}$/,"type":"code"}/' "$tmp/b" | verdict --domain "$tmp/d.yaml" --min-relevance code=0 --rules code=none)" = kept ]
	run "$bin/jfilter" --min-relevance 2 --keywords a "$tmp/b"
	[ "$status" -eq 2 ]
}

@test "pairs and chats are records with a text" {
	printf '{"prompt":"What does the function open do?","answer":"It opens the file that was given to it."}\n{"messages":[{"role":"user","content":"What is a list?"},{"role":"assistant","content":"A list is a sequence of things."}]}\n' >"$tmp/in"
	"$bin/jfilter" -q --rules pairs "$tmp/in" | cmp - "$tmp/in"
	"$bin/jfilter" signals -q "$tmp/in" | grep -q '"jfilter.words":15'
}

@test "real web pages with human labels are measured" {
	labels="${J_TEST_SHARED:-../shared}/data/quality/agreement_data.jsonl"
	[ -r "$labels" ] || skip "no $labels"
	for rules in docs web gopher; do
		"$bin/jfilter" -q --rules $rules "$labels" >"$tmp/kept"
		good=$(grep -c '"label": 1' "$tmp/kept") all=$(wc -l <"$tmp/kept")
		echo "# $rules: kept $good of $(grep -c '"label": 1' "$labels") good, $((all - good)) of $(grep -c '"label": 0' "$labels") bad" >&3
		[ "$good" -gt $((all - good)) ]
	done
}
