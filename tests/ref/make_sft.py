#!/usr/bin/env python3
"""Makes tests/ref/sft/: run with torch, transformers and trl.

model/             a tiny random Llama with the tokenizer tests/ref/bytetok
chat.jsonl, pairs.jsonl   records: conversations; prompt and completion as text
oracle.json        for each: ids and masks (1 = loss) that trl's SFTTrainer trains on, and its losses
                   of three steps over the whole file as one batch (AdamW, lr 1e-2, no decay)

trl takes its assistant mask from {% generation %} marks in the template, which the ChatML here has
been given; jtrain finds the same without marks.  The files are committed; tests need no Python.
"""
import json
import os
import shutil

import torch
from datasets import Dataset
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM
from trl import SFTConfig, SFTTrainer

torch.set_num_threads(1)
HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "sft")
TEMPLATE = ("{%- for m in messages %}{{- '<|im_start|>' + m['role'] + '\n' }}"
            "{%- if m['role'] == 'assistant' %}{% generation %}{{- m['content'] + '<|im_end|>' }}{% endgeneration %}"
            "{%- else %}{{- m['content'] + '<|im_end|>' }}{%- endif %}{{- '\n' }}{%- endfor %}")
CHAT = [
    [("user", "What is 2 plus 2?"), ("assistant", "It is 4.")],
    [("system", "Be short."), ("user", "Hi"), ("assistant", "Hello."), ("user", "Bye"), ("assistant", "See you.")],
    [("user", "Zürich?"), ("assistant", "A city,\nin Switzerland.")],
    [("user", "Yes"), ("assistant", "No")],
]
PAIRS = [("The sky is", " blue."), ("One, two,", " three, four."), ("a", "b"), ("Über", " alles schläft.")]


def save(name, records):
    with open(os.path.join(OUT, name), "w") as f:
        for r in records:
            f.write(json.dumps(r, ensure_ascii=False) + "\n")
    return records


def train(records, tok, **options):
    model = LlamaForCausalLM.from_pretrained(os.path.join(OUT, "model"), dtype=torch.float32)
    args = SFTConfig(output_dir=os.path.join(OUT, "tmp"), max_length=128, packing=False, max_steps=3,
                     per_device_train_batch_size=len(records), learning_rate=1e-2, weight_decay=0.0,
                     lr_scheduler_type="constant", adam_beta2=0.95, max_grad_norm=1e9, logging_steps=1,
                     report_to=[], save_strategy="no", use_cpu=True, gradient_checkpointing=False,
                     bf16=False, seed=1, **options)
    trainer = SFTTrainer(model=model, args=args, train_dataset=Dataset.from_list(records),
                         processing_class=tok)
    rows = [trainer.train_dataset[i] for i in range(len(records))]
    trainer.train()
    losses = [x["loss"] for x in trainer.state.log_history if "loss" in x]
    return {"ids": [r["input_ids"] for r in rows], "masks": [[int(x != -100) for x in r["labels"]] for r in rows], "losses": losses}


def main():
    os.makedirs(OUT, exist_ok=True)
    tok = AutoTokenizer.from_pretrained(os.path.join(HERE, "bytetok"))
    torch.manual_seed(7)
    model = LlamaForCausalLM(LlamaConfig(
        vocab_size=len(tok), hidden_size=16, intermediate_size=32, num_hidden_layers=1,
        num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=128,
        tie_word_embeddings=True, initializer_range=0.2, eos_token_id=tok.eos_token_id, bos_token_id=None))
    model.save_pretrained(os.path.join(OUT, "model"))
    for name in os.listdir(os.path.join(HERE, "bytetok")):
        if name.startswith(("tokenizer", "special", "chat_template")):
            shutil.copy(os.path.join(HERE, "bytetok", name), os.path.join(OUT, "model", name))
    chat = save("chat.jsonl", [{"messages": [{"role": r, "content": c} for r, c in m]} for m in CHAT])
    pairs = save("pairs.jsonl", [{"prompt": p, "completion": c} for p, c in PAIRS])
    tok.chat_template = TEMPLATE
    oracle = {"chat": train(chat, tok, assistant_only_loss=True), "pairs": train(pairs, tok)}
    with open(os.path.join(OUT, "oracle.json"), "w") as f:
        json.dump(oracle, f)
        f.write("\n")
    shutil.rmtree(os.path.join(OUT, "tmp"), ignore_errors=True)


if __name__ == "__main__":
    main()
