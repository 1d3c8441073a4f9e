#!/usr/bin/env bats
# jcollect: sources, selection, provenance, the same bytes for any -j and after a kill.

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	bin="$(cd "${J_BIN:-bin}" && pwd)"
	[ -x "$bin/jcollect" ] || skip "no jcollect in $bin"
	root="$PWD"
	tmp="$BATS_TEST_TMPDIR"
	export SOURCE_DATE_EPOCH=1600000000 HOME="$tmp/home" J_WORK="$tmp/work"
	mkdir -p "$HOME"
	cd "$tmp" || return 1
}

# page NAME TITLE: an HTML page with enough text.
page() {
	mkdir -p "$(dirname "$1")"
	printf '<html lang=en><head><title>%s</title></head><body><h1>%s</h1><p>Use <code>%s()</code> to run it. This page has more than the eighty characters that a page must have.</p></body></html>' "$2" "$2" "$2" >"$1"
}

site() {
	page site/a.html alpha
	page site/lib/b.html beta
	page site/genindex.html index
	printf 'source of the page, long enough to be taken if it were not for the page beside it, which it is the source of\n' >site/a.txt
	printf '#!/bin/sh\n# %080d\necho "hello"\n' 0 >site/tool
	printf 'int main(void) { return 0; }\n/* %080d */\n' 0 >site/lib/m.c
	printf 'a\0b' >site/x.bin
	: >site/empty
}

@test "a folder: records with id, text, title, source, lang and type, in order" {
	site
	"$bin/jcollect" -q site >out
	[ "$(wc -l <out)" -eq 4 ]
	[ "$(sed 's/.*"uri":"\([^"]*\)".*/\1/' out | tr '\n' ' ')" = \
		"file:site/a.html file:site/lib/b.html file:site/lib/m.c file:site/tool " ]
	head -n 1 out >one
	grep -q '"text":"# alpha\\n\\nUse `alpha()` to run it\. This page' one
	grep -q '"title":"alpha"' one
	grep -q '"lang":"en","type":"docs"}$' one
	grep -q "\"sha256\":\"$(sha256sum site/a.html | cut -d' ' -f1)\"" one
	grep -q "\"id\":\"$(printf file:site/a.html | sha256sum | cut -c1-16)\"" one
	grep -q '"fetched":"2020-09-13T12:26:40Z"' one
	grep -q '"type":"code","code_lang":"shell"}$' out
	grep -q '"type":"code","code_lang":"c"}$' out
}

@test "what is left out is counted with its reason and listed by --rejects" {
	site
	"$bin/jcollect" site --rejects rej -o out.jsonl 2>err
	grep -q '8 in, 4 out, 4 rejected' err
	[ "$(wc -l <rej)" -eq 4 ]
	grep -q '"uri":"file:site/genindex.html","kind":"file"},"drop":"index page"' rej
	grep -q '"uri":"file:site/a.txt".*"drop":"source of a page"' rej
	grep -q '"uri":"file:site/x.bin".*"drop":"binary"' rej
	grep -q '"uri":"file:site/empty".*"drop":"empty"' rej
}

@test "selection: --include, --exclude, --kind, --min-chars, --max-docs, --no-defaults" {
	site
	[ "$("$bin/jcollect" -q -I '*.html' site | wc -l)" -eq 2 ]
	[ "$("$bin/jcollect" -q -I 'lib/**' site | wc -l)" -eq 2 ]
	[ "$("$bin/jcollect" -q -X lib site | wc -l)" -eq 2 ]
	[ "$("$bin/jcollect" -q -k docs site | wc -l)" -eq 2 ]
	[ "$("$bin/jcollect" -q -k code,text site | wc -l)" -eq 2 ]
	[ "$("$bin/jcollect" -q --min-chars 100000 site | wc -l)" -eq 0 ]
	[ "$("$bin/jcollect" -q --max-docs 3 site | wc -l)" -eq 3 ]
	[ "$("$bin/jcollect" -q --limit 2 site 2>/dev/null | wc -l)" -le 2 ]
	[ "$("$bin/jcollect" -q --no-defaults site | wc -l)" -eq 6 ]
	run "$bin/jcollect" -k nonsense site
	[ "$status" -eq 2 ]
}

@test "the same bytes for -j 1 and -j 4" {
	for i in $(seq 60); do page "many/p$i.html" "name$i"; done
	"$bin/jcollect" -q -j 1 many >one
	"$bin/jcollect" -q -j 4 many >four
	[ "$(wc -l <one)" -eq 60 ]
	cmp one four
}

@test "archives: tar in zip form or compressed, members with their own URI" {
	site
	tar czf site.tgz site
	"$bin/jcollect" -q site.tgz >out
	[ "$(wc -l <out)" -eq 4 ]
	grep -q '"uri":"file:site.tgz/site/a.html","kind":"archive"' out
	grep -q '"parent":"site.tgz"' out
	cp site.tgz broken.tgz
	truncate -s 400 broken.tgz
	run "$bin/jcollect" broken.tgz
	[ "$status" -eq 1 ]
	[[ "$output" == *"broken.tgz: damaged archive at byte"* ]]
}

# make_deb NAME VERSION: a package file in debs/.
make_deb() {
	command -v ar >/dev/null || skip "no ar"
	mkdir -p debs pkg/usr/share/doc/"$1"/html ctl
	page "pkg/usr/share/doc/$1/html/i.html" intro
	printf 'Format: https://x\n\nFiles: *\nCopyright: us\nLicense: MIT\n' >"pkg/usr/share/doc/$1/copyright"
	printf 'Package: %s\nVersion: %s\n' "$1" "$2" >ctl/control
	tar cJf data.tar.xz -C pkg ./usr
	tar czf control.tar.gz -C ctl ./control
	printf '2.0\n' >debian-binary
	ar rc "debs/$1_$2_all.deb" debian-binary control.tar.gz data.tar.xz
}

@test "deb:NAME from the cache: newest version, URI, licence" {
	make_deb zz-doc 1.9
	make_deb zz-doc 1.10
	make_deb zz-doc 1.10~rc1
	"$bin/jcollect" -q --cache debs deb:zz-doc >out
	[ "$(wc -l <out)" -eq 1 ]
	grep -q '"uri":"deb:zz-doc=1.10/usr/share/doc/zz-doc/html/i.html","kind":"deb"' out
	grep -q '"licence":"MIT","parent":"zz-doc_1.10_all.deb"' out
	"$bin/jcollect" -q --cache debs deb:zz-doc=1.9 >old
	grep -q 'deb:zz-doc=1.9/' old
	run "$bin/jcollect" --cache debs 'deb:--x'
	[ "$status" -eq 2 ]
}

@test "deb:NAME that apt does not know: one line that names it" {
	command -v apt-get >/dev/null || skip "no apt-get"
	run "$bin/jcollect" --cache debs deb:no-such-package-zz
	[ "$status" -eq 1 ]
	[[ "$output" == *"deb:no-such-package-zz"* ]]
	[ "$(printf '%s\n' "$output" | grep -c zz)" -eq 1 ]
}

@test "a run that was killed goes on and ends in the same bytes" {
	for i in $(seq 1200); do page "many/p$i.html" "name$i"; done
	"$bin/jcollect" -q --no-prov many -o whole
	# an output without room is cut behind the first checkpoint, as by a kill
	size=$(wc -c <whole)
	(ulimit -f $((size * 2 / 3 / 1024)); exec "$bin/jcollect" -q --no-prov many -o cut) 2>/dev/null || true
	[ ! -e cut ] && [ -s cut.part ]
	grep -q '^0 512 ' cut.journal
	"$bin/jcollect" --no-prov many -o cut 2>err
	grep -q 'going on after 512 documents' err
	cmp whole cut
	[ ! -e cut.part ] && [ ! -e cut.journal ]
	# a journal of another command is not taken up
	(ulimit -f $((size * 2 / 3 / 1024)); exec "$bin/jcollect" -q --no-prov many -o cut2) 2>/dev/null || true
	"$bin/jcollect" --no-prov -X p7.html many -o cut2 2>err
	[ "$(grep -c 'going on' err)" -eq 0 ]
	[ "$(wc -l <cut2)" -eq 1199 ]
}

@test "a domain file gives sources, globs, kinds and the name" {
	site
	printf 'domain:\n  name: tiny\nsources:\n  - source: site\n    kind: docs\n    include: ["*.html"]\n    licence: CC0-1.0\n' >d.yaml
	"$bin/jcollect" -q --domain d.yaml >out
	[ "$(wc -l <out)" -eq 2 ]
	grep -q '"domain":"tiny"' out
	grep -q '"licence":"CC0-1.0"' out
	run "$bin/jcollect" --domain missing.yaml
	[ "$status" -eq 1 ]
}

@test "extract: a page, standard input, a compressed manual page, an alias, binary" {
	site
	"$bin/jcollect" extract -q site/a.html >out
	[ "$(head -n 1 out)" = "# alpha" ]
	"$bin/jcollect" extract -q <site/a.html | cmp - out
	printf '.TH X 1\n.SH NAME\nx \\- do\n' | gzip >x.1.gz
	[ "$("$bin/jcollect" extract -q x.1.gz | tail -n 1)" = "x - do" ]
	printf '.so man1/y.1\n' >y.1
	run "$bin/jcollect" extract y.1
	[ "$status" -eq 1 ]
	[[ "$output" == *"refers to man1/y.1"* ]]
	run "$bin/jcollect" extract site/x.bin
	[ "$status" -eq 1 ]
}

@test "pages of a web server: one URL, a list, robots.txt, 304" {
	command -v python3 >/dev/null || skip "no python3"
	page www/a.html alpha
	page www/private/b.html beta
	printf 'User-agent: *\nDisallow: /private/\n' >www/robots.txt
	(cd www && exec python3 -u -m http.server 0 --bind 127.0.0.1 >../log 2>&1) 3>&- &
	pid=$!
	for _ in $(seq 50); do grep -q 'port' log 2>/dev/null && break; sleep 0.1; done
	port=$(sed -n 's/.*port \([0-9]*\).*/\1/p' log | head -n 1)
	url="http://127.0.0.1:$port"
	status=0
	{
		"$bin/jcollect" -q --delay 0 "$url/x/../a.html" >one &&
			grep -q "\"uri\":\"$url/a.html\",\"kind\":\"url\"" one &&
			printf '%s\n' "$url/a.html" '# no' "$url/private/b.html" "$url/none" "ftp://x/" >list &&
			"$bin/jcollect" --delay 0 urls:list >two 2>err && cmp one two &&
			grep -q '4 in, 1 out, 3 rejected' err && grep -q 'robots.txt 1' err &&
			grep -q '" 304 ' log && ! grep -q 'GET /private/b.html' log
	} || status=1
	"$bin/jcollect" -q --delay 0 "$url/none" 2>err && status=1
	kill "$pid"
	grep -q 'the server answered 404' err
	[ $status -eq 0 ] || { cat err log; return 1; }
}

@test "git: is refused with what to do instead" {
	run "$bin/jcollect" git:https://example.org/x.git
	[ "$status" -eq 1 ]
	[[ "$output" == *"clone it"* ]]
}
