#!/usr/bin/env bats
# What every program keeps, whatever it does.  Loops over all programs in J_BIN.

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	bin="$(cd "${J_BIN:-bin}" && pwd)"
	tools="$(for t in "$bin"/j*; do [ ! -x "$t" ] || echo "${t##*/}"; done)"
	tmp="$BATS_TEST_TMPDIR"
}

# Runs "$@" with the streams in $tmp/out and $tmp/err and the status in $status.
try() {
	status=0
	"$@" >"$tmp/out" 2>"$tmp/err" </dev/null || status=$?
}

fail() {
	echo "$*: status $status" >&2
	cat "$tmp/err" >&2
	return 1
}

# "TOOL" and "TOOL VERB" for everything that can be called.
calls() {
	local t
	for t in $tools; do
		echo "$t"
		"$bin/$t" --dump-options | cut -f1 | sort -u | grep -v -e '^-$' -e '^common$' |
			sed "s/^/$t /"
	done
}

@test "there is at least one program" {
	[ -n "$tools" ]
}

@test "--help: standard output, status 0, usage first" {
	calls | while read -r c; do
		try "$bin/"$c --help
		[ $status -eq 0 ] || fail "$c --help"
		[ ! -s "$tmp/err" ] || fail "$c --help wrote to standard error"
		head -n 1 "$tmp/out" | grep -q "^usage: $c" || fail "$c --help: no usage line"
		grep -q '^Common options:' "$tmp/out" || fail "$c --help: no common options"
	done
}

@test "--help to a full device: status 1 and a message" {
	[ -w /dev/full ] || skip "no /dev/full"
	for t in $tools; do
		status=0
		"$bin/$t" --help >/dev/full 2>"$tmp/err" || status=$?
		[ $status -eq 1 ] || fail "$t --help >/dev/full"
		grep -q "^$t: standard output: " "$tmp/err" || fail "$t --help >/dev/full: message"
	done
}

@test "--help with standard output closed: status 1" {
	for t in $tools; do
		status=0
		"$bin/$t" --help >&- 2>"$tmp/err" || status=$?
		[ $status -eq 1 ] || fail "$t --help >&-"
	done
}

@test "--version: name and number; short is one line" {
	for t in $tools; do
		try "$bin/$t" --version
		[ $status -eq 0 ] || fail "$t --version"
		head -n 1 "$tmp/out" | grep -Eq "^$t [0-9]+\.[0-9]+\.[0-9]+$" || fail "$t --version"
		grep -q '^libraries: ' "$tmp/out" || fail "$t --version: libraries"
		try "$bin/$t" --version=short
		[ "$(wc -l <"$tmp/out")" -eq 1 ] || fail "$t --version=short"
	done
}

@test "unknown option: status 2, one error line that names the nearest" {
	calls | while read -r c; do
		try "$bin/"$c --versoin
		[ $status -eq 2 ] || fail "$c --versoin"
		[ ! -s "$tmp/out" ] || fail "$c --versoin wrote to standard output"
		grep -q "unknown option --versoin (did you mean --version?)" "$tmp/err" ||
			fail "$c --versoin: message"
		try "$bin/"$c --hel
		[ $status -eq 2 ] || fail "$c --hel (an abbreviation)"
	done
}

@test "a value that is missing or wrong: status 2" {
	calls | while read -r c; do
		for o in "--jobs" "--jobs=0" "--jobs=x" "--memory=5X" "--seed=red" "--max-bad=%" \
			"--help=yes" "--progress=maybe" "--preset=no-such-preset"; do
			try "$bin/"$c $o
			[ $status -eq 2 ] || fail "$c $o"
		done
	done
}

@test "an unknown verb or none: status 2" {
	for t in $tools; do
		"$bin/$t" --dump-options | cut -f1 | grep -qv -e '^-$' -e '^common$' || continue
		"$bin/$t" --help | head -n 1 | grep -q VERB || continue
		try "$bin/$t" no-such-verb
		[ $status -eq 2 ] || fail "$t no-such-verb"
		try "$bin/$t"
		[ $status -eq 2 ] || fail "$t without a verb"
	done
}

@test "a missing operand: neither success nor silence nor a signal" {
	calls | while read -r c; do
		try timeout 20 "$bin/"$c "$tmp/no/such/file"
		[ $status -ge 1 ] && [ $status -lt 124 ] || fail "$c no/such/file"
		grep -q "^${c%% *}: " "$tmp/err" || fail "$c no/such/file: no message"
	done
}

@test "--print-config is a preset that gives the same configuration" {
	calls | while read -r c; do
		try "$bin/"$c --print-config --jobs 3 --seed 7
		[ $status -eq 0 ] || { [ $status -eq 2 ] && continue; } || fail "$c --print-config"
		grep -q '^seed *= 7 *# command line' "$tmp/out" || fail "$c --print-config: seed"
		cp "$tmp/out" "$tmp/my.preset"
		try "$bin/"$c --preset "$tmp/my.preset" --print-config
		[ $status -eq 0 ] || fail "$c --preset"
		diff <(sed 's/ *# .*//' "$tmp/my.preset") <(sed 's/ *# .*//' "$tmp/out") || fail "$c --preset"
	done
}

@test "no option is told twice, no shared one again" {
	for t in $tools; do
		"$bin/$t" --dump-options | cut -f1,2 | sort | uniq -d >"$tmp/err"
		[ ! -s "$tmp/err" ] || { status=1; fail "$t"; }
		"$bin/$t" --dump-options | awk -F'\t' '$1 == "common" { shared[$2] = 1; next }
			{ mine[$2] = 1 } END { for (o in mine) if (o in shared) print o }' >"$tmp/err"
		[ ! -s "$tmp/err" ] || { status=1; fail "$t redefines a shared option"; }
		"$bin/$t" --dump-options | awk -F'\t' '$3 != "-" && $1 != "common" { print $1, $3 }' |
			sort | uniq -d >"$tmp/err"
		[ ! -s "$tmp/err" ] || { status=1; fail "$t: letters"; }
	done
}

@test "every option of --help is in the table and the other way round" {
	calls | while read -r c; do
		t=${c%% *}
		v=${c#"$t"}
		v=${v# }
		"$bin/"$c --help | grep -Eo '^ {2,6}(-., )?--[a-z0-9-]+' | sed 's/.*--//' | sort >"$tmp/help"
		"$bin/$t" --dump-options | awk -F'\t' -v v="${v:--}" '$1 == v || $1 == "common" { print $2 }' |
			sort >"$tmp/table"
		diff "$tmp/help" "$tmp/table" || { status=1; fail "$c"; }
	done
}
