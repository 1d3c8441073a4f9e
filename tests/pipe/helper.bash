# What the tests of the whole chain share: a small corpus, the programs, and a few questions about
# a finished command.  Loaded by `load helper`; everything is made in BATS_TEST_TMPDIR.

pipe_setup() {
	root="$(cd "$BATS_TEST_DIRNAME/../.." && pwd)"
	bin="$(cd "$root" && cd "${J_BIN:-bin}" && pwd)"
	bytetok="$root/tests/ref/bytetok"
	PATH="$bin:$PATH"
	# Records carry the time at which they were fetched: hold it still.
	export SOURCE_DATE_EPOCH=1700000000
	cd "$BATS_TEST_TMPDIR" || return 1
}

# DIR N: N pages of prose in HTML, no two alike, with questions as headings.
make_pages() {
	mkdir -p "$1"
	awk -v dir="$1" -v pages="$2" 'BEGIN {
		n = split("The old mill|A narrow road|My neighbour|The second chapter|Every spring|" \
			"An engineer|The whole town|A small boat|The teacher|Nobody here", who, "|")
		m = split("stood beside the river for many years|led down to the harbour and the market|" \
			"kept a record of the weather in a notebook|explains how the tool should be used|" \
			"was repaired by hand with parts that had been saved|came back when the rain was over|" \
			"has been described by people who saw it", did, "|")
		for (d = 0; d < pages; d++) {
			f = sprintf("%s/page%03d.html", dir, d)
			printf "<!DOCTYPE html><html><head><title>Page %d of the manual</title></head><body>" \
				"<nav><a href=index.html>home</a></nav><main><h1>Page %d</h1>\n", d, d >f
			for (k = 0; k < 12; k++) {
				if (k % 4 == 0)
					printf "<h2>What does tool%d do?</h2>\n", d * 12 + k >f
				printf "<p>%s of number %d %s. %s of number %d %s.</p>\n", who[(d * 7 + k * 3) % n + 1],
					d * 31 + k, did[(d + k * 5) % m + 1], who[(d * 3 + k) % n + 1], d * 17 + k,
					did[(d * 5 + k * 2) % m + 1] >f
			}
			print "</main></body></html>" >f
			close(f)
		}
	}'
}

# DIR: one document of each kind that has a reader of its own.
make_kinds() {
	mkdir -p "$1/man1"
	make_pages "$1" 3
	cat >"$1/man1/frob.1" <<-'END'
		.TH FROB 1
		.SH NAME
		frob \- turn one thing into another
		.SH DESCRIPTION
		.B frob
		reads its input and writes what the manual of the machine says about it, line by line,
		until the end of the input is reached and nothing is left to do.
	END
	cat >"$1/guide.md" <<-'END'
		# The guide to the frob

		Frob is *small*. It reads a file, thinks about every line of it, and prints the lines that
		it liked. The guide explains why, and [the manual](man.html) explains how.

		## How do I install it?

		Copy the program to a folder of your own and make sure that the shell can find it there.
	END
	cat >"$1/frob.py" <<-'END'
		"""Turn one thing into another, slowly and with care for every detail of it."""


		def frob(lines, limit=10):
		    """Yield the lines that are shorter than the limit, in the order in which they came."""
		    for line in lines:
		        if len(line) < limit:
		            yield line
	END
}

# FOLDER FILE.deb: a Debian package with FOLDER below usr/share/doc/frob.
make_deb() {
	local w
	w="$(mktemp -d "$BATS_TEST_TMPDIR/deb.XXXXXX")"
	mkdir -p "$w/usr/share/doc" "$w/control"
	cp -R "$1" "$w/usr/share/doc/frob"
	printf 'Package: frob\nVersion: 1.0-1\nArchitecture: all\n' >"$w/control/control"
	printf '2.0\n' >"$w/debian-binary"
	tar -C "$w" -czf "$w/data.tar.gz" ./usr
	tar -C "$w/control" -czf "$w/control.tar.gz" ./control
	(cd "$w" && ar rc pkg.deb debian-binary control.tar.gz data.tar.gz)
	mv "$w/pkg.deb" "$2"
	rm -rf "$w"
}

# FILE [STEPS]: a domain with the folder pages/ as its source, trained for a few steps.
make_domain() {
	cat >"$1" <<-END
		domain:
		  name: tiny
		  description: a manual of tools
		  keywords: [manual, tool, page, number]
		sources:
		  - source: pages
		    kind: docs
		training:
		  preset: nano
		  vocab_size: 400
		  steps: ${2:-8}
		  batch: 2
		  seq: 64
		finetune:
		  steps: 4
		  batch: 2
		  seq: 64
		questions:
		  - What does tool3 do?
	END
}

fail() {
	echo "$*" >&2
	return 1
}

# Waits until the file is there, 10 s at most.
await() {
	local i
	for ((i = 0; i < 500; i++)); do
		[ ! -e "$1" ] || return 0
		sleep 0.02
	done
	fail "$1 did not appear"
}

# COMMAND...: in a process group of its own, with the group's number in $group.
start_group() {
	set -m
	"$@" >group.log 2>&1 </dev/null &
	group=$!
	set +m
}

kill_group() {
	kill -9 -- "-$group" 2>/dev/null || true
	wait "$group" 2>/dev/null || true
}

# The temporaries that a folder holds.  A kill between a product and its provenance leaves that of the
# provenance, since nothing is made again.
leftovers() {
	find "$1" -name '*.tmp.*' ! -name '*.prov.tmp.*' -o -name '*.part' -o -name '*.journal' -o -name '*.old.*'
}
