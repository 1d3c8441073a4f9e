"""Writes tests/ref/fasttext/lid176.tsv: what fastText itself says of lines of the Universal Declaration of
Human Rights with lid.176.ftz.  Columns: text, then label and probability, three times.
usage: make_fasttext.py MODEL FOLDER >tests/ref/fasttext/lid176.tsv        (pip: fasttext-wheel)"""
import pathlib
import sys

import fasttext_pybind

model = fasttext_pybind.fasttext()
model.loadModel(sys.argv[1])
for path in sorted(pathlib.Path(sys.argv[2]).glob("*.txt"))[::2]:
    lines = [x.strip() for x in path.read_text(encoding="utf-8").split("---", 1)[1].split("\n")]
    text = [x for x in lines if 40 <= len(x) <= 160 and "\t" not in x][3]
    best = model.predict(text + "\n", 3, 0.0, "strict")
    print("\t".join([text] + [f"{label[9:]}\t{p:.6f}" for p, label in best]))
