"""A second reader of jshard(5), written from its manual page: prints documents, tokens and SHA-256.
usage: read_jsh.py FILE.jsh [N | rows]     with N, also the ids of document N
With rows, of a packed shard: a line for each row, an array of the ids of each of its pieces."""
import hashlib
import struct
import sys


def crc32c(data, table=[]):
    if not table:
        for n in range(256):
            for _ in range(8):
                n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
            table.append(n)
    c = 0xFFFFFFFF
    for b in data:
        c = c >> 8 ^ table[(c ^ b) & 255]
    return c ^ 0xFFFFFFFF


f = open(sys.argv[1], "rb").read()
endian, major, minor, width, block, vocab, flags = struct.unpack_from("<IHHIIII", f, 8)
assert f[:8] == b"\x89JSH\r\n\x1a\n" and endian == 0x01020304 and major == 1
assert struct.unpack_from("<I", f, 4092)[0] == crc32c(f[:4092])
toc, n, docs = struct.unpack_from("<QQQ", f, len(f) - 64)
assert f[-8:] == b"JSH.END\n" and f[toc:toc + 4] == b"TOC "
tokens, at = b"", 4096
while len(tokens) < n * width:
    kind, count, first, crc = struct.unpack_from("<4sIQI", f, at)
    assert kind == b"TOKS" and first == len(tokens) // width
    assert crc == crc32c(f[at + 64:at + block])
    tokens += f[at + 64:at + 64 + count * width]
    at += block
sha = hashlib.sha256(tokens)
assert sha.digest() == f[-40:-8]
chunks = {}
for i in range(struct.unpack_from("<I", f, toc + 64 + 64)[0]):
    kind, offset, length = struct.unpack_from("<4s4xQQ", f, toc + 64 + 72 + 24 * i)
    chunks[kind] = f[offset + 64:offset + 64 + length]
starts = struct.unpack(f"<{docs}Q", chunks[b"DOCS"]) + (n,)
form = "H" if width == 2 else "I"


def ids(a, b):
    return list(struct.unpack_from(f"<{b - a}{form}", tokens, a * width))


if sys.argv[2:] == ["rows"]:
    seq, order, rows = struct.unpack_from("<IIQ", chunks[b"ROWS"])
    assert flags == 3 and minor == 1 and rows * (seq + 1) == n and len(chunks[b"ROWS"]) == 16 + 4 * rows
    used, pieces = struct.unpack_from(f"<{rows}I", chunks[b"ROWS"], 16), [[] for _ in range(rows)]
    for a, b in zip(starts, starts[1:]):
        r = a // (seq + 1)
        end = r * (seq + 1) + used[r]
        assert a < end and b <= (r + 1) * (seq + 1)
        assert not any(chunks[b"MASK"][i // 8] >> i % 8 & 1 for i in range(end, b)) and not any(ids(min(b, end), b))
        pieces[r].append(ids(a, min(b, end)))
    print(*pieces, sep="\n")
    sys.exit()
print(docs, n, sha.hexdigest())
if len(sys.argv) > 2:
    d = int(sys.argv[2])
    print(ids(starts[d], starts[d + 1]))
