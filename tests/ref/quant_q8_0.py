"""Prints a C table of Q8_0 blocks made by gguf-py, for tests/unit/tensor_convert.c.
Inputs are a formula that the test repeats.  Needs: numpy, gguf."""
import numpy as np
from gguf import quants, GGMLQuantizationType

def values(block):
    i = np.arange(32, dtype=np.int64)
    if block == 4:      # scale 1: halves, which go away from zero
        return np.where(i == 0, 127, (i - 16) * 0.5).astype(np.float32)
    u = (i * 2654435761 + block * 987654321 + 12345) % 4294967296
    v = (u >> 8).astype(np.float32) / np.float32(1 << 24) - np.float32(0.5)
    return (v * np.float32([1.0, 1e-3, 300.0, 0.0][block])).astype(np.float32)

for b in range(5):
    q = quants.quantize(values(b), GGMLQuantizationType.Q8_0)
    print('\t{ ' + ', '.join(str(x) for x in q.tobytes()) + ' },')
