#!/bin/sh
# jfilter dedup beside datasketch on one core, in turns: usage: tests/bench/dedup.sh FILE.jsonl [ROUNDS]
# CPU seconds are compared, so that a busy machine matters little.  J_PEER_PYTHON names a Python with
# datasketch.  Without a file, 3000 pages of made-up words.
bin=${J_BIN:-bin}
python=${J_PEER_PYTHON:-python3}
here=$(dirname "$0")
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
in=$1
if [ -z "$in" ]; then
	in=$tmp/pages.jsonl
	awk 'BEGIN {
		srand(1)
		for (i = 0; i < 3000; i++) {
			printf "{\"id\":\"p%d\",\"text\":\"", i
			for (k = 0; k < 600; k++)
				printf "%sw%d", k % 14 == 13 ? ".\\n" : k ? " " : "", int(exp(rand() * 9))
			print "\"}"
		}
	}' >"$in"
fi
"$python" -c 'import datasketch' 2>/dev/null || { echo "no datasketch for $python (set J_PEER_PYTHON)"; exit 0; }
real=$(readlink -f "$bin/jfilter")
${CC:-cc} -O2 -I"$here/../../lib" -D_POSIX_C_SOURCE=200809L -o "$tmp/minhash" "$here/dedup_minhash.c" \
	"${real%/bin/jfilter}/libj.a" $(pkg-config --libs libxxhash libarchive libzstd zlib liblzma libutf8proc) \
	-lm -pthread || exit 1
for round in $(seq "${2:-3}"); do
	"$python" - "$bin/jfilter" "$in" "$python" "$here/dedup_datasketch.py" "$tmp" <<'END'
import resource, subprocess, sys
tool, data, python, peer, tmp = sys.argv[1:]
docs = sum(1 for _ in open(data, "rb"))
size = sum(len(line) for line in open(data, "rb")) / 1e6
def cpu(command):
    a = resource.getrusage(resource.RUSAGE_CHILDREN)
    out = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    b = resource.getrusage(resource.RUSAGE_CHILDREN)
    return b.ru_utime + b.ru_stime - a.ru_utime - a.ru_stime, out
ours, _ = cpu([tool, "dedup", "-q", "-j", "1", "-o", "/dev/null", data])
n, theirs, hashing, _ = map(float, subprocess.run([python, peer, data, "1000", tmp + "/shingles"], stdout=subprocess.PIPE,
                                                  check=True).stdout.split())
alone = subprocess.run([tmp + "/minhash", tmp + "/shingles"], stdout=subprocess.PIPE, check=True).stdout.split()
a, b, c, d = docs / ours, n / theirs, n / hashing, float(alone[0]) / float(alone[1])
print(f"all steps: jfilter {a:.0f} docs/s ({size / ours:.1f} MB/s), datasketch {b:.0f}, ratio {a / b:.1f};   "
      f"MinHash of the same shingles: {d:.0f} docs/s, {c:.0f}, ratio {d / c:.1f}")
END
done
