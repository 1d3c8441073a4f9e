#!/usr/bin/env python3
"""Checks on demand (make check-all) that other programs read what jmodel writes and compute the same.

For a tiny random model of each family with a trained byte-level BPE tokenizer, and for stories260K where
the shared models are there:

  - a folder written by jmodel loads in transformers with the logits of the original
  - jmodel logits equals transformers, jmodel gradients equals autograd
  - a GGUF written by jmodel loads in llama.cpp: ids of a text, greedy text; and comes back into a
    folder with the logits of the original
  - its Q8_0 blocks are the bytes that gguf-py makes

usage: check_interop.py [BIN [FAMILY...]]    (folder of the programs, default bin)
"""
import json
import os
import subprocess
import sys
import tempfile

os.environ.setdefault("OMP_NUM_THREADS", "1")
import gguf
import llama_cpp
import numpy as np
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (AutoModelForCausalLM, AutoTokenizer, Gemma2Config, Gemma2ForCausalLM,
                          Gemma3ForCausalLM, Gemma3TextConfig, GPT2Config, GPT2LMHeadModel,
                          LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM,
                          MixtralConfig, MixtralForCausalLM, Phi3Config, Phi3ForCausalLM,
                          PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM, Qwen3Config,
                          Qwen3ForCausalLM, Qwen3MoeConfig, Qwen3MoeForCausalLM, SmolLM3Config,
                          SmolLM3ForCausalLM)

torch.set_num_threads(1)
BIN = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "bin")
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHARED = os.environ.get("J_TEST_SHARED", os.path.join(ROOT, "..", "shared"))
PROMPTS = ["The quick brown fox", "int main(void)\n{\n", " leading space", "Zürich, naïve café: 12345"]
count = failed = 0


def check(good, what):
    global count, failed
    count += 1
    failed += not good
    print(("ok" if good else "not ok"), count, "-", what, flush=True)


def run(*args, text=None):
    p = subprocess.run([os.path.join(BIN, args[0]), *args[1:], "-q", "--no-prov"], input=text,
                       capture_output=True, check=False)
    if p.returncode:
        print("#", " ".join(args), "->", p.returncode, p.stderr.decode(errors="replace"))
    return p.stdout


def our_logits(model, ids):
    out = run("jmodel", "logits", "-m", model, "--ids", ",".join(map(str, ids)))
    return torch.tensor(json.loads(out or b"[[0]]"))


def their_logits(model, ids):
    with torch.no_grad():
        return model(input_ids=torch.tensor([ids])).logits[0].float()


def close(a, b, tol):
    return a.shape == b.shape and (a - b).abs().max().item() <= tol


def our_greedy(model, prompt):
    record = json.dumps({"prompt": prompt}) + "\n"
    out = run("jgen", "complete", "-m", model, "-n", "16", "--temperature", "0", text=record.encode())
    return json.loads(out or b'{"ids": null}')["ids"]


def their_greedy(llm, ids):
    llm.reset()
    out = []
    for token in llm.generate(ids, temp=0.0, repeat_penalty=1.0):
        out.append(token)
        if len(out) == 16:
            break
    return out


def make_tokenizer(folder):
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    text = [open(__file__, encoding="utf-8").read()] + PROMPTS * 3
    t.train_from_iterator(text, trainers.BpeTrainer(
        vocab_size=512, special_tokens=["<|endoftext|>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    fast = PreTrainedTokenizerFast(tokenizer_object=t, eos_token="<|endoftext|>",
                                   bos_token="<|endoftext|>")
    fast.save_pretrained(folder)
    return fast


COMMON = dict(vocab_size=512, hidden_size=64, intermediate_size=128, num_hidden_layers=2,
              max_position_embeddings=128, bos_token_id=0, eos_token_id=0, pad_token_id=0,
              initializer_range=0.15)
GROUPED = dict(**COMMON, num_attention_heads=4, num_key_value_heads=2)
FAMILIES = {
    "qwen3": lambda: Qwen3ForCausalLM(Qwen3Config(**GROUPED, head_dim=32, tie_word_embeddings=True)),
    "llama": lambda: LlamaForCausalLM(LlamaConfig(**GROUPED, tie_word_embeddings=False)),
    "scaled": lambda: LlamaForCausalLM(LlamaConfig(
        **COMMON, num_attention_heads=2, num_key_value_heads=2, tie_word_embeddings=True,
        rope_parameters=dict(rope_type="llama3", rope_theta=10000.0, factor=8.0,
                             low_freq_factor=1.0, high_freq_factor=4.0,
                             original_max_position_embeddings=32))),
    "linear": lambda: LlamaForCausalLM(LlamaConfig(
        **GROUPED, rope_parameters=dict(rope_type="linear", rope_theta=10000.0, factor=2.0))),
    "yarn": lambda: LlamaForCausalLM(LlamaConfig(
        **GROUPED, rope_parameters=dict(rope_type="yarn", rope_theta=10000.0, factor=4.0,
                                        original_max_position_embeddings=32))),
    "gpt2": lambda: GPT2LMHeadModel(GPT2Config(
        vocab_size=512, n_embd=64, n_layer=2, n_head=4, n_positions=128, bos_token_id=0,
        eos_token_id=0, initializer_range=0.15)),
    "mistral": lambda: MistralForCausalLM(MistralConfig(**GROUPED, sliding_window=None)),
    "qwen2": lambda: Qwen2ForCausalLM(Qwen2Config(**GROUPED)),
    "phi3": lambda: Phi3ForCausalLM(Phi3Config(**GROUPED)),
    "phi3long": lambda: Phi3ForCausalLM(Phi3Config(
        **GROUPED, original_max_position_embeddings=64,
        rope_parameters=dict(rope_type="longrope", rope_theta=10000.0, partial_rotary_factor=0.75,
                             short_factor=[1.0, 1.1, 1.2, 1.3, 1.4, 1.5],
                             long_factor=[1.0, 1.1, 1.2, 1.3, 1.4, 1.5]))),
    "gemma2": lambda: Gemma2ForCausalLM(Gemma2Config(
        **GROUPED, head_dim=32, query_pre_attn_scalar=32, sliding_window=16,
        attn_implementation="eager")),
    "gemma3": lambda: Gemma3ForCausalLM(Gemma3TextConfig(
        **{**GROUPED, "num_hidden_layers": 7}, head_dim=32, query_pre_attn_scalar=32,
        sliding_window=16)),
    "smollm3": lambda: SmolLM3ForCausalLM(SmolLM3Config(**{**GROUPED, "num_hidden_layers": 4})),
    "mixtral": lambda: MixtralForCausalLM(MixtralConfig(
        **GROUPED, num_local_experts=4, num_experts_per_tok=2)),
    "qwen3_moe": lambda: Qwen3MoeForCausalLM(Qwen3MoeConfig(
        **GROUPED, head_dim=32, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=64,
        norm_topk_prob=True)),
}


def make_model(kind, folder):
    torch.manual_seed(17)
    model = FAMILIES[kind]().float().eval()
    with torch.no_grad():
        for p in model.parameters():
            if p.dim() == 1:
                p.add_(0.1 * torch.randn_like(p))
    model.save_pretrained(folder)
    return model, make_tokenizer(folder)


def check_gradients(name, folder, model, ids, tmp):
    """By the names of the file: what transformers fuses in memory is split there."""
    out = os.path.join(tmp, name + ".grad")
    run("jmodel", "gradients", "-m", folder, "--ids", ",".join(map(str, ids)), "-o", out)
    ours = load_file(out)
    model.zero_grad()
    logits = model(input_ids=torch.tensor([ids])).logits[0]
    torch.nn.functional.cross_entropy(logits[:-1], torch.tensor(ids[1:])).backward()
    grads = os.path.join(tmp, name + ".theirs")
    twin = type(model)(model.config)
    with torch.no_grad():
        for p, q in zip(twin.parameters(), model.parameters()):
            p.copy_(q.grad)
    twin.save_pretrained(grads)
    theirs = load_file(os.path.join(grads, "model.safetensors"))
    worst = 0.0
    for key, g in theirs.items():
        worst = max(worst, ((ours[key] - g).abs().max() / g.abs().max()).item())
    model.zero_grad()
    check(worst < 1e-4 and len(theirs) == len(ours),
          f"{name}: every gradient equals autograd ({worst:.2g})")


def check_folder(name, folder, model, ids, tmp):
    ref = their_logits(model, ids)
    check(close(our_logits(folder, ids), ref, 1e-3), f"{name}: logits equal transformers")
    for kind, tol in (("f32", 1e-5), ("bf16", 0.3), ("f16", 0.05)):
        out = os.path.join(tmp, name + "." + kind)
        run("jmodel", "convert", "--type", kind, folder, out)
        back = AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32).eval()
        check(close(their_logits(back, ids), ref, tol), f"{name}: transformers loads our {kind} folder")
        tok = AutoTokenizer.from_pretrained(out)
        check(tok.encode(PROMPTS[3]) == AutoTokenizer.from_pretrained(folder).encode(PROMPTS[3]),
              f"{name}: transformers loads our tokenizer")


def check_gguf(name, folder, model, tok, ids, tmp):
    out = os.path.join(tmp, name + ".gguf")
    # llama.cpp expects tokens of the real model's where the name says "phi3"
    run("jmodel", "convert", "--name", "tiny", folder, out)
    reader = gguf.GGUFReader(out)
    check(len(reader.tensors) > 0, f"{name}: gguf-py reads our file")
    llm = llama_cpp.Llama(out, n_ctx=128, n_threads=1, logits_all=True, verbose=False,
                          type_k=llama_cpp.GGML_TYPE_F32, type_v=llama_cpp.GGML_TYPE_F32)
    for prompt in PROMPTS:
        mine = tok.encode(prompt, add_special_tokens=False)
        check(llm.tokenize(prompt.encode(), add_bos=False) == mine, f"{name}: llama.cpp ids of {prompt!r}")
        ours, theirs = our_greedy(out, prompt), their_greedy(llm, mine)
        check(ours == theirs, f"{name}: llama.cpp greedy ids after {prompt!r}")
        check(our_greedy(folder, prompt) == ours, f"{name}: the folder gives the same ids")
    llm.reset()
    llm.eval(ids)
    theirs = torch.tensor(np.array(llm.scores[:len(ids)]))
    check(close(theirs, their_logits(model, ids), 2e-2), f"{name}: llama.cpp logits of our GGUF")
    back = os.path.join(tmp, name + ".back")
    run("jmodel", "convert", out, back)
    check(close(our_logits(back, ids), our_logits(folder, ids), 1e-4), f"{name}: GGUF and back")
    again = AutoModelForCausalLM.from_pretrained(back, dtype=torch.float32).eval()
    check(close(their_logits(again, ids), their_logits(model, ids), 1e-3),
          f"{name}: transformers loads the folder made from GGUF")


def check_q8(name, folder, model, tmp):
    out = os.path.join(tmp, name + ".q8.gguf")
    run("jmodel", "convert", "--name", "tiny", "--type", "q8_0", folder, out)
    tensors = {t.name: t for t in gguf.GGUFReader(out).tensors}
    t = tensors["blk.0.attn_output.weight"]
    state = model.state_dict()
    w = state["transformer.h.0.attn.c_proj.weight"].t().contiguous().numpy() if name == "gpt2" \
        else state["model.layers.0.self_attn.o_proj.weight"].numpy()
    want = gguf.quants.quantize(w, gguf.GGMLQuantizationType.Q8_0)
    check(np.array_equal(np.asarray(t.data).reshape(want.shape), want),
          f"{name}: Q8_0 bytes equal gguf-py's")
    # a process of its own: some builds of llama.cpp use AMX where the system does not allow it
    code = "import llama_cpp, sys; llm = llama_cpp.Llama(sys.argv[1], n_ctx=64, n_threads=1, verbose=False); " \
        "sys.exit(not llm('The', max_tokens=4, temperature=0.0)['choices'][0]['text'])"
    rc = subprocess.run([sys.executable, "-c", code, out], stderr=subprocess.DEVNULL, check=False).returncode
    if rc == -4:
        print("ok # SKIP", name, "this build of llama.cpp cannot run Q8_0 here (illegal instruction)")
    else:
        check(rc == 0, f"{name}: llama.cpp runs our Q8_0 file")


def check_stories(tmp):
    base = os.path.join(SHARED, "models", "stories260K")
    if not os.path.isdir(base):
        print("ok", "# SKIP no shared models (J_TEST_SHARED)")
        return
    want = open(os.path.join(base, "expected_greedy.txt"), "rb").read()
    tok = ["--tokenizer", os.path.join(base, "tok512.bin")]
    source = os.path.join(base, "stories260K.bin")
    out, folder = os.path.join(tmp, "s.gguf"), os.path.join(tmp, "s")
    run("jmodel", "convert", *tok, source, out)
    run("jmodel", "convert", *tok, source, folder)
    llm = llama_cpp.Llama(out, n_ctx=512, n_threads=1, verbose=False)
    text = llm("", max_tokens=256, temperature=0.0, repeat_penalty=1.0, top_k=0)["choices"][0]["text"]
    # its Python wrapper holds the last token back
    check(len(text) > 500 and want.startswith(text.encode()), "stories260K: llama.cpp tells the story from our GGUF")
    for model in (out, folder):
        got = run("jgen", "complete", "-m", model, "-p", "", "-n", "256", "--temperature", "0")
        check(got == want, f"stories260K: jgen tells it from {os.path.basename(model)}")
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    fast = AutoTokenizer.from_pretrained(folder)
    ids = model.generate(torch.tensor([[1]]), max_new_tokens=256, do_sample=False)
    check(fast.decode(ids[0], skip_special_tokens=True).strip().encode() == want.strip(),
          "stories260K: transformers tells it from our folder")


def main():
    with tempfile.TemporaryDirectory() as tmp:
        for name in sys.argv[2:] or FAMILIES:
            folder = os.path.join(tmp, name)
            model, tok = make_model(name, folder)
            ids = torch.randint(1, 512, (60,)).tolist()
            check_folder(name, folder, model, ids, tmp)
            check_gradients(name, folder, model, ids, tmp)
            check_gguf(name, folder, model, tok, ids, tmp)
            check_q8(name, folder, model, tmp)
        if not sys.argv[2:]:
            check_stories(tmp)
    print(f"1..{count}")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
