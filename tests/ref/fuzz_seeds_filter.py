"""Writes the seeds of the fuzzers fasttext, lm and pii.
usage: fuzz_seeds_filter.py tests/fuzz/seeds        (pip: fasttext-wheel)"""
import pathlib
import sys
import tempfile

import fasttext_pybind as ft

SEEDS = pathlib.Path(sys.argv[1])
LINES = ["__label__a the cat sat on the mat", "__label__b buy cheap now", "__label__c ein hund im garten",
         "__label__a a dog on a mat", "__label__b click here now"] * 20


def train(name, loss, quantize, **more):
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as text:
        text.write("\n".join(LINES) + "\n")
        text.flush()
        a = ft.args()
        a.input, a.output, a.model, a.loss = text.name, "", ft.model_name.supervised, loss
        a.dim, a.epoch, a.minCount, a.bucket, a.thread, a.lr, a.verbose = 4, 2, 1, 300, 1, 0.1, 0
        a.wordNgrams, a.minn, a.maxn = 2, 2, 3
        for key, value in more.items():
            setattr(a, key, value)
        m = ft.fasttext()
        ft.train(m, a)
        if quantize:
            # input, output too, rows kept, retrain, epochs, rate, threads, verbose, size of a part, norms
            m.quantize(text.name, False, 290, False, 1, 0.1, 1, 0, 2, True)
        m.saveModel(str(SEEDS / "fasttext" / name))


train("dense", ft.loss_name.softmax, False, bucket=20)
train("tree", ft.loss_name.hs, False, bucket=20)
train("quantized", ft.loss_name.hs, True)
(SEEDS / "lm" / "toy").write_bytes(pathlib.Path("tests/ref/lm/toy.arpa").read_bytes())
(SEEDS / "lm" / "small").write_text("\\data\\\nngram 1=3\nngram 2=1\n\n\\1-grams:\n-1\t<s>\t-0.5\n-1\t</s>\n-1\ta\t-0.2\n\n"
                                    "\\2-grams:\n-0.5\t<s> a\n\n\\end\\\n")
(SEEDS / "pii" / "all").write_text("jane.doe@uni-ulm.de +49 711 1234567 (212) 867-5309 93.184.216.34 2a00:1450::200e:1 "
                                   "4111 1111 1111 1111 DE89 3704 0044 0532 0130 00 AKIAQ7RXW2MPL9TZVKDA "
                                   "token=\"f3A9c77e01B2d84Kq0Zx91mV\"\n-----BEGIN RSA PRIVATE KEY-----\nx\n"
                                   "-----END RSA PRIVATE KEY-----\nsection 3.2.1.4 ISBN 978-3-16-148410-0\n")
