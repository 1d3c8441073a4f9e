#!/usr/bin/env python3
"""Makes the seeds of the fuzzers gguf and inflate:  fuzz_seeds_io.py tests/fuzz/seeds

Needs only the standard library and the program zstd.
"""
import bz2
import gzip
import lzma
import os
import struct
import subprocess
import sys


def string(x):
    return struct.pack('<Q', len(x)) + x


def key(name, kind, value):
    return string(name) + struct.pack('<I', kind) + value


def info(name, dims, kind, offset):
    shape = b''.join(struct.pack('<Q', d) for d in dims)
    return string(name) + struct.pack('<I', len(dims)) + shape + struct.pack('<IQ', kind, offset)


def gguf():
    keys = [
        key(b'general.architecture', 8, string(b'llama')),
        key(b'general.alignment', 4, struct.pack('<I', 32)),
        key(b'f', 6, struct.pack('<f', 1.5)),
        key(b'tok', 9, struct.pack('<IQ', 8, 2) + string(b'a') + string(b'')),
        key(b'n', 9, struct.pack('<IQ', 5, 2) + struct.pack('<ii', 1, -1)),
        key(b'b', 7, b'\1'),
        key(b'u', 10, struct.pack('<Q', 7)),
        key(b'd', 12, struct.pack('<d', 2)),
    ]
    whole = b'GGUF' + struct.pack('<IQQ', 3, 2, len(keys)) + b''.join(keys)
    whole += info(b'w', [4, 2], 0, 0) + info(b'q', [32], 8, 32)
    whole += bytes(-len(whole) % 32) + bytes(32) + bytes(34)
    return {
        'small': whole,
        'cut': whole[:200],
        'empty': b'GGUF' + struct.pack('<IQQ', 3, 0, 0),
        'counts': b'GGUF' + struct.pack('<IQQ', 3, 2**63, 2**63),
    }


def inflate():
    text = b'hello hello hello\nworld\n'
    gz = gzip.compress(text, mtime=0)
    bz = bz2.compress(text)
    zst = subprocess.run(['zstd', '-c', '-q'], input=text, stdout=subprocess.PIPE, check=True).stdout
    return {
        'plain': text + b'x' * 300,
        'gz': gz + gz, 'gz_pad': gz + bytes(40), 'gz_cut': gz[:-5],
        'bz2': bz + bz, 'bz2_cut': bz[:12],
        'xz': lzma.compress(text),
        'zst': zst + zst, 'zst_cut': zst[:-3],
    }


for folder, files in (('gguf', gguf()), ('inflate', inflate())):
    os.makedirs(os.path.join(sys.argv[1], folder), exist_ok=True)
    for name, data in files.items():
        with open(os.path.join(sys.argv[1], folder, name), 'wb') as f:
            f.write(data)
