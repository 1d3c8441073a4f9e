#!/usr/bin/env python3
"""Makes the seeds of the fuzzer router:  fuzz_seeds_router.py tests/fuzz/seeds

A router's file without its end, which would be zeros (see tests/fuzz/router.c).  Needs only the standard
library.
"""
import json
import os
import struct
import sys

out = os.path.join(sys.argv[1], "router")
os.makedirs(out, exist_ok=True)
FEATURES = 1 << 19


def seed(name, classes, width=0, examples=0, words=3, **meta):
    header = {"__metadata__": {"router": "3", "experts": "bread\ncode", "passages": "40",
                               "threshold": "0.5", "threshold_embedded": "0.4", **meta}}
    data = b""
    size = 0

    def tensor(key, dtype, shape, raw):
        nonlocal data, size
        count = {"F32": 4, "F16": 2, "I32": 4, "I64": 8, "U8": 1}[dtype]
        for d in shape:
            count *= d
        header[key] = {"dtype": dtype, "shape": shape, "data_offsets": [size, size + count]}
        size += count
        if raw is not None:
            assert len(raw) == count, key
            data += raw

    def floats(n, step=0.1):
        return struct.pack(f"<{n}f", *[round((i % 7 - 2) * step, 3) for i in range(n)])

    tensor("bias", "F32", [classes], floats(classes))
    tensor("df", "I32", [words, classes], struct.pack(f"<{words * classes}i", *range(words * classes)))
    tensor("looks", "F32", [2, 5], floats(10))
    tensor("mix", "F32", [6, 4], floats(24))
    tensor("words", "I64", [words], struct.pack(f"<{words}q", *[1 << (20 + i) for i in range(words)]))
    if width:
        text = b"".join(b"example %d\n" % i for i in range(examples))
        header["__metadata__"]["encoder"] = "model"
        tensor("centre", "F32", [width], floats(width))
        tensor("example_class", "I32", [examples],
               struct.pack(f"<{examples}i", *[i % classes for i in range(examples)]))
        tensor("example_text", "U8", [len(text)], text)
        tensor("factor", "F32", [width, width],
               struct.pack(f"<{width * width}f", *[1.0 if i % (width + 1) == 0 else 0.0 for i in range(width * width)]))
        tensor("ridge", "F32", [width + 1, classes], floats((width + 1) * classes))
        tensor("examples", "F16", [examples, width],
               struct.pack(f"<{examples * width}e", *[(i % 5) / 5 for i in range(examples * width)]))
    tensor("idf", "F16", [FEATURES], None)
    tensor("weights", "F16", [FEATURES, classes], None)
    text = json.dumps(header, separators=(",", ":")).encode()
    with open(os.path.join(out, name), "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


seed("words", 2)
seed("foreign", 3)
seed("embedding", 3, width=4, examples=6)
seed("empty", 2, words=0)
seed("version", 2, router="2")
seed("others", 2, experts="bread\nwine")
