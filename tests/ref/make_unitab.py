"""Writes lib/tok/unitab.c: the character classes that the field's pre-tokenizer patterns name, asked
from the regular-expression engine of Hugging Face tokenizers itself, so that both agree on every
code point whatever Unicode version this machine's libraries have.
usage: make_unitab.py >lib/tok/unitab.c"""
from tokenizers import Regex, __version__, pre_tokenizers

BITS = [("L", r"\p{L}"), ("N", r"\p{N}"), ("S", r"\s"), ("M", r"\p{M}"), ("P", r"\p{P}"),
        ("U", r"[\p{Lu}\p{Lt}]"), ("D", r"\p{Ll}"), ("W", r"\w")]
CPS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]


def members(pattern):
    """Code points that the pattern matches: what Split 'removed' does not leave over."""
    out = set()
    split = pre_tokenizers.Split(Regex(pattern), "removed")
    for i in range(0, len(CPS), 65536):
        part = CPS[i:i + 65536]
        left = set()
        for _, (a, b) in split.pre_tokenize_str("".join(map(chr, part))):
            left.update(range(a, b))
        out.update(c for k, c in enumerate(part) if k not in left)
    return out


table = bytearray(0x110000)
for bit, (_, pattern) in enumerate(BITS):
    for c in members(pattern):
        table[c] |= 1 << bit
# Where Hugging Face asks for words (Whitespace, single_word) it uses Rust's engine, which takes \w as
# UTS 18 has it: the joiners belong to it, superscript digits and fractions do not.
for c in (0xb2, 0xb3, 0xb9, 0xbc, 0xbd, 0xbe):
    table[c] &= 127
for c in (0x200c, 0x200d):
    table[c] |= 128
blocks, index = [], []
for i in range(0, 0x110000, 128):
    b = bytes(table[i:i + 128])
    if b not in blocks:
        blocks.append(b)
    index.append(blocks.index(b))
assert len(blocks) <= 65535
print(f"""/*
 * unitab.c - made by tests/ref/make_unitab.py with tokenizers {__version__}; do not edit.
 *
 * Classes of every code point, in two stages of 128; the bits are those of uni.h.
 */
#include "uni.h"
""")
print(f"const uint16_t uni_index[{len(index)}] = {{")
for i in range(0, len(index), 64):
    print("\t" + ",".join(map(str, index[i:i + 64])) + ",")
print("};\n")
print(f"const unsigned char uni_class[{len(blocks)}][128] = {{")
for b in blocks:
    print("\t{" + ",".join(map(str, b)) + "},")
print("};")
