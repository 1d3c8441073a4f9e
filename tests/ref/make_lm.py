"""Writes tests/ref/lm/kenlm.tsv: log10 probabilities of sentences by KenLM itself, with the model beside it.
usage: make_lm.py tests/ref/lm/toy.arpa >tests/ref/lm/kenlm.tsv        (pip: kenlm)"""
import sys

import kenlm

SENTENCES = ["the cat sat", "the cat", "cat the sat on the mat", "a dog sat on the mat", "mat", "", "the the the",
             "the dog sat on a mat", "on the mat the cat sat", "unknown words sat on the mat"]
model = kenlm.Model(sys.argv[1])
for s in SENTENCES:
    print(f"{s}\t{model.score(s, bos=True, eos=True):.5f}")
