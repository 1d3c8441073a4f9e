#!/usr/bin/env python3
"""Makes the seeds of the fuzzer imatrix:  fuzz_seeds_model.py tests/fuzz/seeds

Needs only the standard library.
"""
import os
import struct
import sys


def string(x):
    return struct.pack('<Q', len(x)) + x


def info(name, dims, offset):
    return string(name) + struct.pack('<I', len(dims)) + struct.pack(f'<{len(dims)}Q', *dims) + \
        struct.pack('<IQ', 0, offset)


def imatrix_gguf():
    head = b'GGUF' + struct.pack('<IQQ', 3, 2, 1)
    head += string(b'general.type') + struct.pack('<I', 8) + string(b'imatrix')
    head += info(b'blk.0.attn_q.weight.in_sum2', [4, 1], 0) + info(b'blk.0.attn_q.weight.counts', [1, 1], 32)
    head += b'\0' * (-len(head) % 32)
    return head + struct.pack('<4f', 1, 2, 3, 4) + b'\0' * 16 + struct.pack('<f', 2) + b'\0' * 28


def imatrix_dat():
    name = b'blk.0.attn_q.weight'
    one = struct.pack('<i', len(name)) + name + struct.pack('<ii4f', 3, 4, 1, 2, 3, 4)
    return struct.pack('<i', 1) + one + struct.pack('<ii', 1, 4) + b'text'


def main(out):
    seeds = {'imatrix': {'gguf': imatrix_gguf(), 'dat': imatrix_dat(), 'cut': imatrix_dat()[:30],
                         'empty': b''}}
    for kind, files in seeds.items():
        os.makedirs(os.path.join(out, kind), exist_ok=True)
        for name, data in files.items():
            with open(os.path.join(out, kind, name), 'wb') as f:
                f.write(data)


main(sys.argv[1])
