"""Makes tests/ref/bytetok: a byte-level tokenizer without merges (259 tokens: 256 bytes, end of
text, start and end of a turn) with a ChatML template, for tests that need some tokenizer and a tiny
vocabulary.  usage: make_bytetok.py DIR"""
import json
import sys

from tokenizers import Tokenizer, decoders, models, pre_tokenizers

out = sys.argv[1]
alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
vocab = {c: i for i, c in enumerate(alphabet)}
t = Tokenizer(models.BPE(vocab=vocab, merges=[]))
t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
t.decoder = decoders.ByteLevel()
t.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
t.save(out + "/tokenizer.json")
template = ("{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + "
            "message['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
            "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")
config = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|endoftext|>",
          "model_max_length": 1024, "chat_template": template}
with open(out + "/tokenizer_config.json", "w") as f:
    json.dump(config, f, indent=2)
    f.write("\n")
