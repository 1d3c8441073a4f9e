"""Writes lib/text/lang_profiles.c: what jlang knows of languages that share a script, from lists of
words with their frequencies in real text (subtitles; FrequencyWords by Hermit Dave, CC BY-SA 4.0:
FOLDER/LANGUAGE.txt with lines "word count").
usage: make_lang.py FOLDER >lib/text/lang_profiles.c

A feature is a piece of two or three characters of "_word_", or the whole of it.  Each language brings
the KEEP features that set it apart most, by p log(p / mean of its script); of all of these the table
has log p in every language of the script, cut at FLOOR, in steps of 1 / STEPS, one printable
character each."""
import collections
import math
import re
import sys
import unicodedata

GROUPS = [("LATIN", "af br ca cs da de en eo es et eu fi fr gl hr hu id is it lt lv nl no pl pt ro sk sl "
                    "sq sv tl tr vi"),
          ("CYRILLIC", "bg kk mk ru sr uk"), ("ARABIC", "ar fa")]
KEEP, FLOOR, STEPS, POWER = 200, -12, 7, 0.75
LEVELS = "".join(chr(c) for c in range(35, 127) if chr(c) not in "\\?%")[:STEPS * -FLOOR + 1]


def words(text):
    return re.findall(r"[^\W\d_]+", unicodedata.normalize("NFC", text).lower())


def features(word):
    word = "_" + word + "_"
    for i in range(len(word)):
        for n in range(2, min(3, len(word) - i) + 1):
            yield word[i:i + n]
    if len(word) > 3:
        yield word


def profile(path, script):
    count = collections.Counter()
    for line in open(path, encoding="utf-8"):
        part = line.split()
        if len(part) != 2:
            continue
        for word in words(part[0]):
            if all(unicodedata.name(c, "").startswith(script) for c in word):
                for f in features(word):
                    count[f] += float(part[1]) ** POWER
    total = sum(count.values())
    return {f: c / total for f, c in count.items()}


def table(script, languages):
    known = {l: profile(f"{sys.argv[1]}/{l}.txt", script) for l in languages}
    mean = collections.Counter()
    for l in languages:
        for f, p in known[l].items():
            mean[f] += p / len(languages)
    rows = set()
    for l in languages:
        apart = lambda f: (-known[l][f] * abs(math.log(known[l][f] / mean[f])), f)
        rows.update(sorted(known[l], key=apart)[:KEEP])
    for f in sorted(rows):
        level = [max(math.log(known[l].get(f, 0) or 1e-9), FLOOR) - FLOOR for l in languages]
        yield f, "".join(LEVELS[round(v * STEPS)] for v in level)


def main():
    print("/* lang_profiles.c - made by tests/ref/make_lang.py from word frequencies; see lang.c. */")
    print('#include "text/lang_internal.h"\n')
    for script, languages in GROUPS:
        print(f"static const struct lang_row {script.lower()}[] = {{")
        for f, level in table(script, languages.split()):
            print(f'\t{{ "{f}", "{level}" }},')
        print("\t{ NULL, NULL }\n};\n")
    print("const struct lang_group jlang_groups[] = {")
    for script, languages in GROUPS:
        print(f'\t{{ LANG_{script}, {script.lower()}, {len(languages.split())},')
        half = languages.split()
        print('\t\t{ ' + ", ".join(f'"{l}"' for l in half[:12]) + (
            "," if len(half) > 12 else " } },"))
        for at in range(12, len(half), 12):
            print("\t\t  " + ", ".join(f'"{l}"' for l in half[at:at + 12]) + (
                "," if at + 12 < len(half) else " } },"))
    print("\t{ LANG_OTHER, NULL, 0, { NULL } }\n};")


main()
