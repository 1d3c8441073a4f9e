#!/usr/bin/env python3
"""Makes tests/ref/prune.oracle.safetensors: run with torch and transformers after make_models.py, whose
models are pruned.

  ids                     [4, 16] chunks of text
  MODEL.influence         [L] 1 - cos(input, output) of each layer, mean over tokens
  MODEL.drop_nll          mean negative log-likelihood on ids without layer 0
  MODEL.METHOD.NAME       the mask (1 = stays) of a matrix, its bits packed, first value highest:
      magnitude           torch.nn.utils.prune.l1_unstructured, 37 %
      pattern             2:4 by magnitude
      wanda               |W| * |x| by rows, 50 %, layer after layer (Sun et al. 2023, algorithm 1)
      wanda_pattern       the same, 2:4

A matrix is [out, in] here, whatever the model keeps.  The file is committed; tests need no Python.
"""
import os

import numpy as np
import torch
from safetensors.torch import save_file
from torch.nn.utils import prune
from transformers import AutoModelForCausalLM
from transformers.pytorch_utils import Conv1D

torch.set_num_threads(1)
HERE = os.path.dirname(os.path.abspath(__file__))
MODELS = {"llama": "llama/gqa", "gpt2": "gpt2/tiny", "gemma2": "gemma2/tiny"}


def load(name):
    return AutoModelForCausalLM.from_pretrained(os.path.join(HERE, MODELS[name]),
                                                dtype=torch.float32, attn_implementation="eager").eval()


def layers_of(model):
    return model.transformer.h if hasattr(model, "transformer") else model.model.layers


def matrices(module, prefix=""):
    for name, m in module.named_modules(prefix=prefix):
        if isinstance(m, (torch.nn.Linear, Conv1D)):
            yield name, m


def weight(m):
    return m.weight.data.T if isinstance(m, Conv1D) else m.weight.data


def by_pattern(score, n, of):
    """True where a weight goes: of every `of` neighbours all but n."""
    out = torch.zeros_like(score, dtype=torch.bool)
    for first in range(0, score.shape[1], of):
        low = torch.topk(score[:, first:first + of], of - n, dim=1, largest=False)[1]
        out.scatter_(1, first + low, True)
    return out


def by_share(score, share):
    out = torch.zeros_like(score, dtype=torch.bool)
    order = torch.sort(score, dim=-1, stable=True)[1]
    return out.scatter_(1, order[:, :int(score.shape[1] * share)], True)


def note(out, key, goes):
    out[key] = torch.from_numpy(np.packbits((~goes).numpy().reshape(-1).astype(np.uint8)))


@torch.no_grad()
def wanda(name, ids, select, key, out):
    """Each layer sees what the pruned layers before it give."""
    model = load(name)
    prefix = "transformer.h." if hasattr(model, "transformer") else "model.layers."
    for i, layer in enumerate(layers_of(model)):
        squares, hooks = {}, []
        for at, m in matrices(layer, prefix + str(i)):
            def see(_, x, __, at=at):
                squares[at] = squares.get(at, 0) + x[0].double().pow(2).sum((0, 1))
            hooks.append(m.register_forward_hook(see))
        for chunk in ids:
            model(input_ids=chunk[None])
        for h in hooks:
            h.remove()
        for at, m in matrices(layer, prefix + str(i)):
            w = weight(m)
            goes = select(w.abs() * squares[at].sqrt().float()[None])
            note(out, f"{name}.{key}.{at}.weight", goes)
            w[goes] = 0


@torch.no_grad()
def influence(name, ids):
    model, rows = load(name), []
    hooks = []
    for i, layer in enumerate(layers_of(model)):
        rows.append([])

        def see(_, args, kwargs, y, i=i):
            x = args[0] if args else kwargs["hidden_states"]
            y = y[0] if isinstance(y, tuple) else y
            rows[i].append(torch.nn.functional.cosine_similarity(x.double(), y.double(), dim=-1))
        hooks.append(layer.register_forward_hook(see, with_kwargs=True))
    for chunk in ids:
        model(input_ids=chunk[None])
    return torch.tensor([1 - torch.cat([c.reshape(-1) for c in r]).mean().item() for r in rows])


@torch.no_grad()
def drop_nll(name, ids):
    model = load(name)
    layers = layers_of(model)
    del layers[0]
    model.config.num_hidden_layers -= 1
    for i, layer in enumerate(layers):
        for m in layer.modules():
            if hasattr(m, "layer_idx"):
                m.layer_idx = i
    total = 0
    for chunk in ids:
        logits = model(input_ids=chunk[None], use_cache=False).logits[0, :-1].double()
        total += torch.nn.functional.cross_entropy(logits, chunk[1:], reduction="sum").item()
    return torch.tensor([total / (ids.numel() - len(ids))])


def main():
    torch.manual_seed(11)
    ids = torch.randint(3, 40, (4, 16))
    out = {"ids": ids.to(torch.int32)}
    for name in MODELS:
        out[name + ".influence"] = influence(name, ids)
        if name != "gemma2":        # whose layers take turns: transformers keeps the old turns
            out[name + ".drop_nll"] = drop_nll(name, ids)
        model = load(name)
        prefix = "transformer.h" if hasattr(model, "transformer") else "model.layers"
        for at, m in matrices(layers_of(model), prefix):
            w = weight(m).clone()
            note(out, f"{name}.pattern.{at}.weight", by_pattern(w.abs(), 2, 4))
            prune.l1_unstructured(m, "weight", 0.37)
            mask = m.weight_mask.T if isinstance(m, Conv1D) else m.weight_mask
            note(out, f"{name}.magnitude.{at}.weight", mask == 0)
        wanda(name, ids, lambda s: by_share(s, 0.5), "wanda", out)
        wanda(name, ids, lambda s: by_pattern(s, 2, 4), "wanda_pattern", out)
    save_file(out, os.path.join(HERE, "prune.oracle.safetensors"))


main()
