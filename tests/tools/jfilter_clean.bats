#!/usr/bin/env bats
# jfilter: line rules and the sets that begin with them; what the record says about its text.

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	bin="$(cd "${J_BIN:-bin}" && pwd)"
	[ -x "$bin/jfilter" ] || skip "no jfilter in $bin"
	tmp="$BATS_TEST_TMPDIR"
	jf="$bin/jfilter"
}

# rule OPTIONS...: the rule that drops the record on standard input, or "kept".
rule() {
	"$jf" -q "$@" --rejects "$tmp/rej" >"$tmp/kept" || return 1
	if [ -s "$tmp/kept" ]; then echo kept; else jq -r .drop.rule "$tmp/rej"; fi
}

@test "c4: lines, then the page" {
	good='The first of the sentences is here. The second is as well!\nA third one has more words.'
	printf '{"id":"a","text":"Menu\\n%s\\nRead more\\nWe use cookies on all of our pages."}\n' "$good" >"$tmp/in"
	[ "$(rule --rules c4 <"$tmp/in")" = kept ]
	[ "$(jq -r .text "$tmp/kept")" = "$(printf '%b' "$good")" ]
	jq -e '.id == "a" and .scores["jfilter.removed_words"] > 0.3' "$tmp/kept" >/dev/null
	printf '{"text":"One sentence is here now. A second one."}\n' >"$tmp/in"
	[ "$(rule --rules c4 <"$tmp/in")" = sentences ]
	printf '{"text":"%s\\nif (x) { it is a sentence."}\n' "$good" >"$tmp/in"
	[ "$(rule --rules c4 <"$tmp/in")" = braces ]
	printf '{"text":"%s\\nif (x) { it is none"}\n' "$good" >"$tmp/in"
	[ "$(rule --rules c4 <"$tmp/in")" = kept ]
	printf '{"text":"%s\\nLorem ipsum dolor sit amet again."}\n' "$good" >"$tmp/in"
	[ "$(rule --rules c4 <"$tmp/in")" = lorem_ipsum ]
	printf '{"id":"x","text":"Menu\\nHome"}\n' >"$tmp/in"
	[ "$(rule --rules c4 <"$tmp/in")" = nothing_left ]
	[ "$(jq -c 'del(.drop)' "$tmp/rej")" = '{"id":"x","text":"Menu\nHome"}' ]
	# five sentences by the paper, of three words each
	printf '{"text":"One is here. Two is here. Three is here.\\nFour is here."}\n' >"$tmp/in"
	[ "$(rule --rules c4-paper <"$tmp/in")" = sentences ]
	[ "$(rule --rules c4-paper --set sentences=4 <"$tmp/in")" = kept ]
}

@test "line ends and -j change nothing of what is left" {
	for i in $(seq 300); do
		printf '{"id":"%d","text":"Page %d\\nThe text of page %d is one sentence. Then a second.\\nThere is a third one too.\\n7 likes"}\n' "$i" "$i" "$i"
	done >"$tmp/lf"
	sed 's/\\n/\\r\\n/g' "$tmp/lf" >"$tmp/crlf"
	"$jf" -q -j 1 --rules c4 "$tmp/lf" >"$tmp/one"
	[ "$(wc -l <"$tmp/one")" -eq 300 ]
	"$jf" -q -j 3 --rules c4 "$tmp/lf" | cmp - "$tmp/one"
	"$jf" -q --rules c4 "$tmp/crlf" | cmp - "$tmp/one"
}

@test "refinedweb: too much removed is a rule; --clean for any set" {
	printf '{"text":"Home\\nThe line of the page that stays is here for you.\\n12 likes\\nsee http://x.org/y for it"}\n' >"$tmp/in"
	[ "$(rule --rules refinedweb --set language=off --set min_words=5 <"$tmp/in")" = removed_words ]
	[ "$(jq .drop.value "$tmp/rej")" != 0 ]
	[ "$(rule --rules none --clean refinedweb <"$tmp/in")" = kept ]
	[ "$(jq -r .text "$tmp/kept")" = "$(printf 'The line of the page that stays is here for you.\nsee for it')" ]
	[ "$(rule --rules c4 --clean none <"$tmp/in")" = kept ]
	cmp "$tmp/kept" "$tmp/in"
	run "$jf" --clean nonsense "$tmp/in"
	[ "$status" -eq 2 ]
	"$jf" explain -q --rules none --clean refinedweb "$tmp/in" | grep -q '^  refinedweb removes 0.176 of the words$'
	"$jf" explain -q --json --rules none --clean refinedweb "$tmp/in" | jq -e '.removed_words - 3 / 17 | fabs < 1e-9' >/dev/null
	# pairs are left as they are
	printf '{"prompt":"Home","answer":"12 likes"}\n' >"$tmp/in"
	"$jf" -q --rules none --clean refinedweb "$tmp/in" | cmp - "$tmp/in"
}

@test "cleaning comes before personal data is masked, and its rules survive --print-rules" {
	printf '{"id":"a","text":"Menu\\nMail me at jane.doe@uni-ulm.de when you are there."}\n' >"$tmp/in"
	"$jf" -q --rules c4 --set sentences=1 --pii mask "$tmp/in" >"$tmp/out"
	[ "$(jq -r .text "$tmp/out")" = "Mail me at <EMAIL> when you are there." ]
	"$jf" -q --rules c4 --print-rules | sed '/^---/,$d' >"$tmp/rules.yaml"
	grep -qx 'clean: c4' "$tmp/rules.yaml"
	"$jf" -q --rules "$tmp/rules.yaml" --set sentences=1 --pii mask "$tmp/in" | cmp - "$tmp/out"
	sed -i 's/clean: c4/clean: c5/' "$tmp/rules.yaml"
	run "$jf" --rules "$tmp/rules.yaml" "$tmp/in"
	[ "$status" -eq 2 ] && [[ $output == *c5* ]]
}

@test "mc4 and ccnet" {
	line=$(for i in $(seq 12); do printf 'The river %d goes by the town. ' "$i"; done)
	printf '{"text":"%s\\n%s\\n%s"}\n' "$line" "$line" "$line" >"$tmp/in"
	[ "$(rule --rules mc4 <"$tmp/in")" = kept ]
	printf '{"text":"%s\\n%s\\nshort"}\n' "$line" "$line" >"$tmp/in"
	[ "$(rule --rules mc4 <"$tmp/in")" = long_lines ]
	[ "$(rule --rules ccnet <"$tmp/in")" = kept ]
	printf '{"text":"A short page is here."}\n' >"$tmp/in"
	[ "$(rule --rules ccnet <"$tmp/in")" = min_chars ]
}

@test "lists of addresses: domains, beginnings, words; records without an address stay" {
	printf '%s\n' '# not wanted' bad.org 'forum.net/board' casino '~poker' '~bonus' >"$tmp/list"
	for u in http://good.org/a https://www.sub.bad.org/x http://forum.net/board/1 http://x.org/casino.html \
		http://x.org/poker http://x.org/poker-bonus deb:bad.org/x; do
		printf '{"id":"%s","text":"some words","source":{"uri":"%s"}}\n' "$u" "$u"
	done >"$tmp/in"
	printf '{"id":"none","text":"some words"}\n{"id":"url","text":"some words","url":"http://bad.org"}\n' >>"$tmp/in"
	"$jf" -q --rules none --urls "$tmp/list" --rejects "$tmp/rej" "$tmp/in" >"$tmp/out"
	[ "$(jq -r .id "$tmp/out" | tr '\n' ' ')" = "http://good.org/a http://x.org/poker deb:bad.org/x none " ]
	[ "$(jq -r .drop.rule "$tmp/rej" | tr '\n' ' ')" = "url url url_words url_soft_words url " ]
	printf 'fine.org\n*\n' >"$tmp/list"
	run "$jf" --urls "$tmp/list" "$tmp/in"
	[ "$status" -ne 0 ] && [[ $output == *list:2* ]]
	: >"$tmp/list"
	run "$jf" --urls "$tmp/list" "$tmp/in"
	[ "$status" -eq 2 ]
	for f in share/filters/urls*; do
		"$jf" -q --rules none --urls "$f" "$tmp/in" >/dev/null
	done
}

@test "licences: what is not stated is not allowed" {
	for l in MIT GPL-2+ 'GPL-2+ or Apache-2.0' CC-BY-SA-4.0 'see copyright'; do
		printf '{"id":"%s","text":"some words","source":{"licence":"%s"}}\n' "$l" "$l"
	done >"$tmp/in"
	printf '{"id":"none","text":"some words"}\n' >>"$tmp/in"
	"$jf" -q --rules none --licence permissive --rejects "$tmp/rej" "$tmp/in" >"$tmp/out"
	[ "$(jq -r .id "$tmp/out" | tr '\n' ',')" = "MIT,GPL-2+ or Apache-2.0," ]
	[ "$(jq -r .drop.rule "$tmp/rej" | sort -u)" = licence ]
	[ "$("$jf" -q --rules none --licence permissive,cc-by-sa,gpl "$tmp/in" | wc -l)" -eq 4 ]
}

@test "--min and --max: numbers of the record and its scores" {
	printf '%s\n' '{"id":"a","text":"w","stars":7,"scores":{"jfilter.quality":0.9}}' \
		'{"id":"b","text":"w","stars":2,"scores":{"jfilter.quality":0.95}}' \
		'{"id":"c","text":"w","stars":9,"scores":{"jfilter.quality":0.1}}' '{"id":"d","text":"w"}' \
		'{"id":"e","text":"w","source":{"size":10}}' >"$tmp/in"
	"$jf" -q --rules none --min stars=5 --min jfilter.quality=0.5 --max source.size=9 --rejects "$tmp/rej" "$tmp/in" >"$tmp/out"
	[ "$(jq -r .id "$tmp/out" | tr -d '\n')" = ad ]
	[ "$(jq -c '[.id,.drop.rule,.drop.value,.drop.limit,.drop.side]' "$tmp/rej" | tr -d '\n')" = \
		'["b","stars",2,5,"min"]["c","jfilter.quality",0.1,0.5,"min"]["e","source.size",10,9,"max"]' ]
	cmp "$tmp/out" <(sed -n '1p;4p' "$tmp/in")
	# what signals measured is judged later without being measured again
	"$jf" signals -q "$tmp/in" | "$jf" -q --rules none --min jfilter.words=2 --rejects "$tmp/rej" >"$tmp/out"
	[ ! -s "$tmp/out" ] && [ "$(wc -l <"$tmp/rej")" -eq 5 ]
	"$jf" explain -q --rules none --min stars=5 "$tmp/in" | grep -Eq '^  stars +stars +2  min 5 +-3  DROP'
	# a signal's name is one more rule
	"$jf" -q --rules none --max chars=3 --rejects "$tmp/rej" "$tmp/in" | cmp - "$tmp/in"
	"$jf" -q --rules none --min words=2 --rejects "$tmp/rej" "$tmp/in" >"$tmp/out"
	[ ! -s "$tmp/out" ] && [ "$(jq -r .drop.rule "$tmp/rej" | sort -u)" = min:words ]
	run "$jf" --min stars "$tmp/in"
	[ "$status" -eq 2 ]
}

# code LANG TEXT RULE...: the rule that drops it
code() {
	local lang=$1 text=$2
	shift 2
	printf '{"id":"x","type":"code","code_lang":"%s","text":"%s","source":{"uri":"file:a/notes.txt"}}\n' "$lang" "$text" | rule "$@"
}

@test "issues and pull requests: bots, monologues, what was accepted" {
	long=$(for i in $(seq 30); do printf 'a word and number %d ' "$i"; done)
	issue() { printf '{"id":"i","type":"issue","title":"It stops","events":[%s]}\n' "$1" | rule --rules issue=issues; }
	event() { printf '{"author":"%s","text":"%s"}' "$1" "$2"; }
	[ "$(issue "$(event ann "$long"),$(event ben yes)")" = kept ]
	[ "$(issue "$(event ann 'It stops.')")" = min_chars ]
	[ "$(issue "$(event 'dependabot[bot]' "$long"),$(event our-ci "$long"),$(event Jenkins2 no)")" = bots ]
	eleven=$(for i in $(seq 10); do printf '%s,' "$(event ann more)"; done)$(event ann "$long")
	[ "$(issue "$eleven")" = lone_events ]
	[ "$(issue "$eleven,$(event ben no)")" = kept ]
	many=$(for i in $(seq 15); do printf '%s ' "$long"; done)
	[ "$(issue "$(event ann "$many")")" = lone_chars ]
	[ "$(issue "$(event ann "$many"),$(event ben no)")" = kept ]
	pull() { printf '{"id":"p","type":"pull","title":"%s","text":"%s",%s}\n' "$1" "$2" "$3" | rule --rules pull=pulls; }
	[ "$(pull 'Close files that were opened twice' 'They stayed open until the end.' '"merged":true')" = kept ]
	[ "$(pull 'Close files that were opened twice' 'They stayed open until the end.' '"merged":false')" = accepted ]
	[ "$(pull 'Close files that were opened twice' 'They stayed open until the end.' '"merged":false,"approved":true')" = kept ]
	[ "$(pull 'Fix it' 'They stayed open until the end.' '"merged":true')" = title ]
	[ "$(pull 'Close files that were opened twice' 'See above.' '"merged":true')" = description ]
	[ "$(pull 'Bump left-pad from 1.2 to 1.3' 'They stayed open until the end.' '"merged":true')" = upkeep ]
	[ "$(printf '{"id":"x","type":"pull","text":"%s"}\n' "$long" | rule --rules pull=pulls)" = kept ]
}

@test "stack and starcoder: exceptions by language" {
	wide=$(for i in $(seq 120); do printf 'word%d other ' "$i"; done)
	[ "$(code python "$wide" --rules code=stack)" = max_line ]
	[ "$(code json "$wide" --rules code=stack)" = kept ]
	[ "$(code markdown "$wide" --rules code=stack)" = kept ]
	mid=$(for i in $(seq 12); do printf 'word%d other word ' "$i"; done)
	[ "$(code c "$mid\\n$mid\\n" --rules code=stack)" = mean_line ]
	[ "$(code html "$mid\\n$mid\\n" --rules code=stack)" = kept ]
	many=$(for i in $(seq 600); do printf 'key%d: value\\n' "$i"; done)
	[ "$(code yaml "$many" --rules code=stack)" = data_lines ]
	[ "$(code python "$many" --rules code=stack)" = kept ]
	[ "$(code text "some words" --rules code=stack)" = kept ]
	[ "$(printf '{"type":"code","code_lang":"text","text":"some words","source":{"uri":"file:a/words.txt"}}\n' | rule --rules code=stack)" = text_name ]
	digits=$(for i in $(seq 30); do printf 'ab 0x%d, 123456\\n' "$i"; done)
	[ "$(code c "$digits" --rules code=stack)" = letters ]
	[ "$(code asm "$digits" --rules code=stack)" = kept ]
	[ "$(code python 'x = 1\ny = 2\n' --rules code=starcoder)" = min_comments ]
	[ "$(code python 'x = 1  # one\ny = 2\n' --rules code=starcoder)" = kept ]
	[ "$(code python '# only\n# words\n' --rules code=starcoder)" = max_comments ]
	[ "$(code java '<?xml version=\"1.0\"?><a>b</a>// text' --rules code=starcoder)" = xml_header ]
	[ "$(code xml '<?xml version=\"1.0\"?><a>b</a><!-- text -->' --rules code=starcoder)" = kept ]
	[ "$(code html '<p>few words</p><!-- c -->' --rules code=starcoder)" = html_text ]
	[ "$(code json '{\"a\": 1}' --rules code=starcoder)" = min_config ]
}

@test "a list of words or of numbers is no encoded data, a long run is" {
	words=$(for i in $(seq 300); do printf 'word\\nriver\\nHouse\\n'; done)
	[ "$(code text "$words" --rules code=stack --set data_lines=off --set text_name=off)" = kept ]
	numbers=$(for i in $(seq 100); do printf 'row 10 20 30 40 50 60 70 80 11 22 aa\\n'; done)
	[ "$(code python "$numbers" --rules code=stack --set letters=off)" = kept ]
	blob=$(for i in $(seq 20); do printf '%s\\n' "aG9Rk3ZpQ7xVb2NwYz0TmLs8JdE4hUfXc1AqWiO5KyPr6BtMgCvDnHjSlFeRuZxI"; done)
	text=$(for i in $(seq 100); do printf 'the code of the file is here now\\n'; done)
	[ "$(code python "$text$blob" --rules code=stack)" = data_run ]
}

@test "the provenance names the rules that were asked" {
	printf '{"text":"A page."}\n' >"$tmp/in"
	"$jf" -q --rules pairs --rules code=stack -o "$tmp/a" "$tmp/in"
	"$jf" -q --rules pairs --rules code=stack --set empty=2 -o "$tmp/b" "$tmp/in"
	jq -e '.notes.rules[""].set == "pairs" and .notes.rules.code.set == "stack"' "$tmp/a.prov" >/dev/null
	[ "$(jq -r '.notes.rules[""].hash' "$tmp/a.prov")" != "$(jq -r '.notes.rules[""].hash' "$tmp/b.prov")" ]
	[ "$(jq -r .notes.rules.code.hash "$tmp/a.prov")" = "$(jq -r .notes.rules.code.hash "$tmp/b.prov")" ]
}

@test "flagged words of languages without spaces are found in running text" {
	printf '禁止\n' >"$tmp/list"
	printf '{"id":"a","text":"これは禁止された言葉です"}\n{"id":"b","text":"これは言葉です"}\n' >"$tmp/in"
	"$jf" -q --rules none --words "$tmp/list" "$tmp/in" >"$tmp/out"
	[ "$(jq -r .id "$tmp/out")" = b ]
}
