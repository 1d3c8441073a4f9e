"""Prints tests/ref/quant_fixture.h: SHA-256 of what gguf-py makes of blocks and values that
tests/unit/tensor_quant.c makes by the same formulas.  Needs: numpy, gguf."""
import hashlib
import numpy as np
from gguf import quants, GGML_QUANT_SIZES, GGMLQuantizationType as T

BLOCKS = 512
# Offsets of 16-bit floats in a block; bit 6 of their upper byte is cleared, so that they are finite.
HALVES = {
    'F16': [0], 'BF16': [0], 'Q4_0': [0], 'Q4_1': [0, 2], 'Q5_0': [0], 'Q5_1': [0, 2], 'Q8_0': [0],
    'Q2_K': [80, 82], 'Q3_K': [108], 'Q4_K': [0, 2], 'Q5_K': [0, 2], 'Q6_K': [208],
    'IQ1_S': [0], 'IQ1_M': [54], 'IQ2_XXS': [0], 'IQ2_XS': [0], 'IQ2_S': [0], 'IQ3_XXS': [0],
    'IQ3_S': [0], 'IQ4_NL': [0], 'IQ4_XS': [0], 'TQ1_0': [52], 'TQ2_0': [64], 'MXFP4': [], 'NVFP4': [],
}


def random_bytes(n):
    out, u = bytearray(n), 1
    for i in range(n):
        u = (u * 1664525 + 1013904223) % 2**32
        out[i] = u >> 24
    return out


def values(n):
    """Blocks of 32 whose size varies; one in 16 all zero, one in 16 all equal."""
    raw = np.frombuffer(bytes(random_bytes(4 * n)), dtype='<u4')
    x = (raw >> 8).astype(np.float32) / np.float32(1 << 24) - np.float32(0.5)
    b = np.arange(n) // 32
    scale = np.float32(2.0) ** ((b % 40) - 30).astype(np.float32)
    x = (x * scale).astype(np.float32)
    x[b % 16 == 5] = 0
    x[b % 16 == 6] = np.float32(0.25)
    return x


def sha(a):
    return hashlib.sha256(np.ascontiguousarray(a).tobytes()).hexdigest()


print('/* Made by tests/ref/make_quant.py from gguf-py. */')
print('static const struct {\n\tenum jdtype type;\n\tint halves[2];\n\tconst char *sha256;\n} decoded[] = {')
for name, at in HALVES.items():
    size = GGML_QUANT_SIZES[T[name]][1]
    b = random_bytes(size * BLOCKS)
    for i in range(BLOCKS):
        for off in at:
            b[i * size + off + 1] &= 0xbf
    y = quants.dequantize(np.frombuffer(bytes(b), dtype=np.uint8), T[name])
    assert np.isfinite(y).all() or name == 'MXFP4', name     # whose scale may be 2^127
    halves = ', '.join(str(v) for v in (at + [-1, -1])[:2])
    print(f'\t{{ JDT_{name}, {{ {halves} }},\n\t\t"{sha(y.astype(np.float32))}" }},')
print('};\nstatic const struct {\n\tenum jdtype type;\n\tconst char *sha256;\n} encoded[] = {')
for name in ['F16', 'BF16', 'Q4_0', 'Q4_1', 'Q5_0', 'Q5_1', 'Q8_0']:
    print(f'\t{{ JDT_{name}, "{sha(quants.quantize(values(32 * BLOCKS), T[name]))}" }},')
print('};')
