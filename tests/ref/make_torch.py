"""Makes tests/ref/torch/: what torch.save() writes, for tests/unit/model_files_torch.c and the fuzzer
pytorch.  Arguments: the folders tests/ref/torch and tests/fuzz/seeds/pytorch.  Needs: torch."""
import collections
import os
import sys
import torch

out, seeds = sys.argv[1:]
os.makedirs(out, exist_ok=True)
os.makedirs(seeds, exist_ok=True)
base = torch.arange(24, dtype=torch.float32)
tensors = collections.OrderedDict(
    plain=base.reshape(4, 6),
    shared=base[6:12],
    turned=base.reshape(4, 6).t(),
    every_second=base[::2],
    half=base[:8].half().reshape(2, 4),
    bf16=base[:6].bfloat16(),
    double=base[:3].double(),
    longs=torch.tensor([1, -2, 3]),
    flags=torch.tensor([True, False]),
    scalar=torch.tensor(2.5),
    none=torch.zeros(0, 3),
    parameter=torch.nn.Parameter(base[:2].clone()),
)
torch.save(tensors, f'{out}/tensors.bin')
torch.save({'state_dict': {'w': base}, 'epoch': 3}, f'{out}/nested.bin')
torch.save(tensors, f'{out}/legacy.bin', _use_new_zipfile_serialization=False)


class Hostile:
    def __reduce__(self):
        return os.system, ('echo owned',)


torch.save({'w': base, 'x': Hostile()}, f'{out}/hostile.bin')
torch.save({'w': base, 'name': 'text'}, f'{out}/mixed.bin')
torch.save(torch.nn.Linear(2, 2).state_dict(), f'{seeds}/module')
torch.save({'a': base[:4].reshape(2, 2).t(), 'b': base[:4].half()}, f'{seeds}/views')
torch.save({'state_dict': {'w': base[:2]}}, f'{seeds}/nested')
torch.save({'x': Hostile()}, f'{seeds}/hostile')
with open(f'{seeds}/module', 'rb') as f:
    whole = f.read()
with open(f'{seeds}/cut', 'wb') as f:
    f.write(whole[:-100])
