"""Writes lib/tensor/quant_grid.c: the code books of the IQ types, which are part of the GGUF format
(the points were chosen by search and have no formula), packed 2 or 3 bits a value.  Needs: gguf."""
import numpy as np
from gguf import quants, GGMLQuantizationType as T

books = [('quant_grid_iq2_xxs', T.IQ2_XXS), ('quant_grid_iq2_xs', T.IQ2_XS), ('quant_grid_iq2_s', T.IQ2_S),
         ('quant_grid_iq1', T.IQ1_S), ('quant_grid_iq3_xxs', T.IQ3_XXS), ('quant_grid_iq3_s', T.IQ3_S)]
print('/*')
print(' * quant_grid.c - the code books of the IQ types, made by tests/ref/make_quant_grid.py: a point of')
print(' * eight values in 2 bits each, or of four in 3 bits each, the first value lowest.')
print(' */')
print('#include "tensor/quant.h"')
for name, t in books:
    q = quants._type_traits[t]
    q.init_grid()
    g = q.grid.reshape(q.grid_shape)
    bits = 2 if g.shape[1] == 8 else 3
    idx = np.searchsorted(np.array(q.grid_map, dtype=np.float32), g).astype(np.uint32)
    words = (idx << (np.arange(g.shape[1], dtype=np.uint32) * bits)).sum(axis=1)
    print(f'\nconst uint16_t {name}[{len(words)}] = {{')
    for i in range(0, len(words), 12):
        print('\t' + ', '.join(f'{w}' for w in words[i:i + 12]) + ',')
    print('};')
