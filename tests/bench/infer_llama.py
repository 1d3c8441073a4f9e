"""Peer of infer.sh: llama.cpp through llama-cpp-python.  usage: infer_llama.py GGUF THREADS PROMPT N
Prints prompt and decode tokens/s.  Without llama.cpp's CPU-specific weight buffers when the first try
with them dies (some builds of it crash in their AMX code)."""
import os, sys, time
import llama_cpp
from llama_cpp import Llama

path, threads, prompt, n = sys.argv[1], *map(int, sys.argv[2:5])
if os.environ.get("LLAMA_PLAIN_BUFFERS"):
    make = llama_cpp.llama_model_default_params
    def plain():
        p = make()
        p.use_extra_bufts = False
        return p
    llama_cpp.llama_cpp.llama_model_default_params = plain
m = Llama(path, n_ctx=prompt + 2 * n, n_threads=threads, n_threads_batch=threads, verbose=False)
ids = [i * 7919 % 30000 + 5 for i in range(prompt)]
m.eval(ids)             # warm
best_p = best_d = 0
for _ in range(3):
    m.reset()
    t = time.perf_counter()
    m.eval(ids)
    best_p = max(best_p, prompt / (time.perf_counter() - t))
    t = time.perf_counter()
    for i in range(n):
        m.eval([ids[i]])
    best_d = max(best_d, n / (time.perf_counter() - t))
print(f"{best_p:.1f} {best_d:.1f}")
