#!/usr/bin/env python3
"""Plain references of jfilter dedup, slow and by another way.

  check_dedup.py substring N IN OUT       cuts of --by substring --min-bytes N --keep first
  check_dedup.py units line|paragraph IN OUT       cuts of --by line or paragraph, --keep first
  check_dedup.py pairs T INDEX IN OUT REJECTS      near duplicates, all pairs by brute force

INDEX is what `dedup --threshold 1 --index` wrote: the shingle set of each document, read here
straight from the format of jdedup(5).  IN has unique ids.  Prints one line; exits 1 where they differ.
"""
import json
import re
import struct
import sys


def records(name):
    with open(name, encoding="utf-8", newline="\n") as f:
        return [json.loads(line) for line in f]


def fail(text):
    print("not equal:", text)
    sys.exit(1)


def compare(what, want, out):
    got = {r["id"]: r["text"] for r in records(out)}
    for i in want.keys() | got.keys():
        if want.get(i) != got.get(i):
            fail(f"{i}: expected {want.get(i)!r}, got {got.get(i)!r}")
    print(f"{what}: {len(want)} records equal")


def substring(n, source, out):
    texts = [(r["id"], r["text"].encode()) for r in records(source)]
    first = {}
    for d, (_, t) in enumerate(texts):
        for i in range(len(t) - n + 1):
            first.setdefault(t[i:i + n], (d, i))
    want = {}
    cut_bytes = 0
    for d, (name, t) in enumerate(texts):
        gone = bytearray(len(t))
        for i in range(len(t) - n + 1):
            d0, i0 = first[t[i:i + n]]
            if d0 < d or i0 + n <= i:
                gone[i:i + n] = b"\1" * n
        # A cut holds whole characters.
        spans = [m.span() for m in re.finditer(b"\1+", bytes(gone))]
        left, at = b"", 0
        for a, b in spans:
            while a < b and t[a] & 0xc0 == 0x80:
                a += 1
            while b > a and b < len(t) and t[b] & 0xc0 == 0x80:
                b -= 1
            left += t[at:a]
            at = b
            cut_bytes += b - a
        left += t[at:]
        if re.search(r"\w", left.decode()) or not spans:
            want[name] = left.decode()
    compare(f"substrings, {cut_bytes} bytes cut", want, out)


ENDS = "\n\r\v\f\x85\u2028\u2029"
LINE = re.compile(f"[^{ENDS}]*(?:\r\n|[{ENDS}]|$)")


def units(kind, source, out):
    seen, want, cuts = set(), {}, 0
    for r in records(source):
        parts, blank = [], True
        for m in LINE.finditer(r["text"]):
            line = m.group()
            if not line:
                continue
            if kind == "paragraph" and parts and (line.isspace() or not blank):
                parts[-1] += line
            else:
                parts.append(line)
            blank = line.isspace()
        left, had = "", cuts
        for p in parts:
            key = " ".join(p.lower().split())
            if re.search(r"\w", key) and key in seen:
                cuts += 1
                continue
            seen.add(key)
            left += p
        if re.search(r"\w", left) or cuts == had:
            want[r["id"]] = left
    compare(f"{kind}s, {cuts} cut", want, out)


def read_index(name):
    """id -> set of shingle hashes, by the format of jdedup(5)."""
    b = open(name, "rb").read()
    assert b[:8] == b"jdedup\r\n" and struct.unpack_from("<I", b, 8)[0] == 1
    at = 16 + struct.unpack_from("<I", b, 12)[0] + 4
    sets, last = {}, None
    while True:
        n = struct.unpack_from("<I", b, at)[0]
        if n == 0:
            return sets
        end = at + 8 + n
        at += 8
        while at < end:
            k = struct.unpack_from("<I", b, at)[0]
            r = b[at + 4:at + 4 + k]
            at += 4 + k
            if r[:1] == b"D":
                id_n = struct.unpack_from("<I", r, 45)[0]
                last = r[49:49 + id_n].decode()
            elif r[:1] == b"S":
                sets[last] = struct.unpack(f"<{(k - 1) // 8}Q", r[1:])


def all_pairs(sets, threshold):
    """Every pair at or above the threshold, by counting common shingles through an inverted list."""
    where, pairs = {}, {}
    for d, (name, s) in enumerate(sets):
        common = {}
        for h in s:
            at = where.setdefault(h, [])
            for other in at:
                common[other] = common.get(other, 0) + 1
            at.append(d)
        for other, both in common.items():
            j = both / (len(s) + len(sets[other][1]) - both)
            if j >= threshold:
                pairs[other, d] = j
    return pairs


def pairs(threshold, index, source, out, rejects):
    sets = read_index(index)
    docs = [r for r in records(source) if r["id"] in sets]
    docs.sort(key=lambda r: (-len(r["text"].encode()), r["id"].encode()))
    ranked = [(r["id"], sets[r["id"]]) for r in docs]
    truth = all_pairs(ranked, threshold)
    gone = {}
    for (a, b), j in sorted(truth.items()):
        if a not in gone and b not in gone:
            gone[b] = (ranked[a][0], j)
    want = {ranked[b][0]: t for b, t in gone.items()}
    kept = {r["id"] for r in records(out)}
    got = {r["id"]: (r["drop"]["twin"], r["drop"]["value"]) for r in records(rejects)
           if r["id"] in sets}
    found = sum(1 for a, b in truth if ranked[a][0] not in kept or ranked[b][0] not in kept)
    right = sum(1 for i, (twin, j) in got.items() if abs(jaccard(sets[i], sets[twin]) - j) < 1e-9
                and j >= threshold and twin in kept)
    print(f"{len(ranked)} documents, {len(truth)} pairs at or above {threshold}: recall "
          f"{found / max(1, len(truth)):.4f}, precision {right / max(1, len(got)):.4f}, "
          f"{len(got)} removed, brute force removes {len(want)}, {sum(want.get(i) == t for i, t in got.items())} the same")
    if found < 0.99 * len(truth) or right != len(got):
        sys.exit(1)


def jaccard(a, b):
    both = len(set(a) & set(b))
    return both / (len(a) + len(b) - both)


if __name__ == "__main__":
    kind, args = sys.argv[1], sys.argv[2:]
    if kind == "substring":
        substring(int(args[0]), *args[1:])
    elif kind == "units":
        units(*args)
    else:
        pairs(float(args[0]), *args[1:])
