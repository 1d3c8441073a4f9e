"""Writes lib/tok/unitab.c: the character classes that the field's pre-tokenizer patterns name, asked
from the regular-expression engine of Hugging Face tokenizers itself, so that both agree on every
code point whatever Unicode version this machine's libraries have.
usage: make_unitab.py >lib/tok/unitab.c
       make_unitab.py old >lib/tok/uniold.c
The second are the tables of an older Unicode that its normalizers have: the classes of Bert's steps, and
the characters that its normal forms do not know yet (for which unicodedata2 is asked)."""
import sys

from tokenizers import Regex, __version__, normalizers, pre_tokenizers

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


def bert_bits():
    """What Bert's steps take for a control, a mark, a punctuation character."""
    off = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    clean = normalizers.BertNormalizer(**off | {"clean_text": True})
    strip = normalizers.BertNormalizer(**off | {"strip_accents": True})
    punct = pre_tokenizers.BertPreTokenizer()
    return {c: ((clean.normalize_str("a" + chr(c)) == "a") | (strip.normalize_str("a" + chr(c)) == "a") << 1 |
                (len(punct.pre_tokenize_str("a" + chr(c) + "b")) == 3) << 2) for c in CPS}


def unknown_forms():
    """Characters that newer tables reorder, decompose or compose, and these do not."""
    import unicodedata2 as u
    nfd, nfkd = normalizers.NFD(), normalizers.NFKD()
    bits = {}
    for c in CPS:
        x = chr(c)
        if u.combining(x) and nfd.normalize_str("\u0b95\u0345" + x) == "\u0b95\u0345" + x and c != 0x345:
            bits[c] = 1
        if u.decomposition(x) and nfkd.normalize_str(x) == x:
            bits[c] = 1
            two = u.normalize("NFD", x)
            if len(two) == 2 and u.normalize("NFC", two) == x:
                assert two[0] > "\uffff", x		# a letter of a new script: nothing known combines with it
                bits[ord(two[0])] = 1
    return bits


def print_ranges(name, size, bits):
    ranges = []
    for c in CPS:
        if not bits.get(c):
            continue
        if ranges and ranges[-1][1:] == [c - 1, bits[c]]:
            ranges[-1][1] = c
        else:
            ranges.append([c, c, bits[c]])
    print(f"\nconst struct uni_range {name}[{size}] = {{")
    for i in range(0, len(ranges), 5):
        print("\t" + " ".join("{ 0x%X, 0x%X, %d }," % tuple(r) for r in ranges[i:i + 5]))
    print("};")
    print(size, len(ranges), file=sys.stderr)


if sys.argv[1:] == ["old"]:
    print(f"""/*
 * uniold.c - made by tests/ref/make_unitab.py with tokenizers {__version__}; do not edit.
 *
 * Ranges of code points, of which uni.h says what they are.
 */
#include "uni.h\"""")
    print_ranges("uni_bert_range", "UNI_BERT_RANGES", bert_bits())
    print_ranges("uni_new_range", "UNI_NEW_RANGES", unknown_forms())
    sys.exit()
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
