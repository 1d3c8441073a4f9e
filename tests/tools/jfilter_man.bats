#!/usr/bin/env bats
# The examples of jfilter(1) run as they stand there, on a handful of small files of the names they use.

setup() {
	root="$(cd "$BATS_TEST_DIRNAME/../.." && pwd)"
	bin="$(cd "$root" && cd "${J_BIN:-bin}" && pwd)"
	[ -x "$bin/jfilter" ] || skip "no jfilter in $bin"
	PATH="$bin:$PATH"
	cd "$BATS_TEST_TMPDIR" || return 1
}

# FILE N LABEL: N pages of documentation, one in five an advertisement, with a grade.
make_pages() {
	awk -v n="$2" 'BEGIN {
		for (i = 0; i < n; i++)
			if (i % 5 == 0)
				printf "{\"id\":\"p%d\",\"text\":\"Buy number %d now and click here to win the prize of %d.\",\"grade\":\"bad\"}\n", i, i, i
			else
				printf "{\"id\":\"p%d\",\"text\":\"The function number %d opens the file that was given to it and returns a handle. " \
					"If the file is not there, an error with the code %d is raised, and the caller has to deal with it. " \
					"All other options have a default, which is described in the section on options below.\\nIt is safe to call it " \
					"from %d threads at once.\\nWrite to jane.doe%d@uni-ulm.de for more of it.\",\"grade\":\"good\"," \
					"\"source\":{\"uri\":\"http://docs.example.org/%d\",\"licence\":\"MIT\"}}\n", i, i, i * 3, i + 2, i, i
	}' >"$1"
}

# The blocks of EXAMPLES, one file each: example.1 ...
extract() {
	awk '/^\.Sh EXAMPLES/ { on = 1 } /^\.Sh SEE/ { on = 0 }
		on && /^\.Bd/ { n++; inside = 1; next }
		/^\.Ed/ { inside = 0 }
		on && inside { gsub(/\\e/, "\\"); print >("example." n) }' "$root/man/man1/jfilter.1"
}

@test "every example of the manual page does what it says" {
	make_pages pages.jsonl 60
	make_pages graded.jsonl 100
	make_pages docs.jsonl 40
	head -n 1 pages.jsonl >page.jsonl
	sed 's/}$/,"type":"code","code_lang":"python"}/' docs.jsonl >code.jsonl
	mkdir eval
	echo '{"question":"Which of the two rivers runs by the town that was built on the hill last year?","answer":"the other"}' >eval/set.jsonl
	echo blocked.example.com >blocked.txt
	echo 'a secret of some length' >secret.txt
	"$bin/jfilter" -q --rejects dropped.jsonl pages.jsonl >/dev/null
	extract
	n=0
	for f in example.*; do
		# what collects needs packages, which are another program's test
		! grep -q jcollect "$f" || continue
		n=$((n + 1))
		sh -e "$f" >out 2>err || { cat "$f" err >&2; return 1; }
	done
	[ "$n" -ge 10 ]
	[ -s chosen.jsonl ] && [ -s kept.jsonl ] && [ -s quality.bin ] && [ -s report.json ]
}
