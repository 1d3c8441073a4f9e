"""Near duplicates with datasketch: MinHash of 128 permutations over word 5-grams, and its LSH index.

usage: dedup_datasketch.py FILE.jsonl N SHINGLES    prints documents, CPU seconds in all and of MinHash
alone; the shingles of all documents go to the file SHINGLES
"""
import json
import re
import sys
import time

from datasketch import MinHash, MinHashLSH

n = int(sys.argv[2])
out = open(sys.argv[3], "wb")
start = time.process_time()
lsh = MinHashLSH(threshold=0.8, num_perm=128)
docs = duplicates = 0
hashing = 0.0
for _, line in zip(range(n), open(sys.argv[1], encoding="utf-8")):
    words = re.findall(r"\w+", json.loads(line)["text"].lower())
    shingles = [" ".join(words[i:i + 5]).encode() for i in range(max(1, len(words) - 4))]
    t = time.process_time()
    out.write(b"\n".join(shingles) + b"\n\n")
    start += time.process_time() - t
    t = time.process_time()
    m = MinHash(num_perm=128)
    m.update_batch(shingles)
    hashing += time.process_time() - t
    duplicates += bool(lsh.query(m))
    lsh.insert(str(docs), m)
    docs += 1
out.close()
print(docs, time.process_time() - start, hashing, duplicates)
