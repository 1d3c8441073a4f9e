#!/usr/bin/env python3
"""Writes unicode/nfc.tsv: the characters that are not in NFC or may not be, as Python's unicodedata says.

Lines: FIRST LAST WHY (hexadecimal, hexadecimal): "no" for what NFC replaces, "maybe" for what composes
with a character before it or is moved by one.  The head names the version of Unicode.
"""
import unicodedata as u


def every():
    return (c for c in range(0x110000) if not 0xD800 <= c < 0xE000)


seconds = set()
for c in every():
    parts = u.normalize("NFD", chr(c))
    if u.normalize("NFC", parts) == chr(c):
        seconds.update(ord(p) for p in parts[1:])


def why(c):
    if u.normalize("NFC", chr(c)) != chr(c):
        return "no"
    return "maybe" if c in seconds or u.combining(chr(c)) else None


with open("tests/ref/unicode/nfc.tsv", "w") as out:
    print("#", u.unidata_version, file=out)
    first = 0
    was = None
    for c in range(0x110001):
        now = why(c) if c < 0x110000 and not 0xD800 <= c < 0xE000 else None
        if now != was:
            if was:
                print("%x\t%x\t%s" % (first, c - 1, was), file=out)
            first, was = c, now
