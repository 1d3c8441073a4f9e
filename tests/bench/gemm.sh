#!/bin/sh
# Single matrix products: jtrain bench on the shapes of training and generation, beside the machine's
# measured peak; where numpy with OpenBLAS or torch is at hand, their rate on the same shapes.
#
#	J_PEER_PYTHON	a Python with torch (without it only jtrain is measured)
#	J_BIN		folder of the programs, default bin
#	THREADS		default 2
#	SHAPES		list of MxNxK, default those of RESULTS.md
set -eu
here=$(dirname "$0")
bin=${J_BIN:-$here/../../bin}
threads=${THREADS:-2}
shapes=${SHAPES:-1024x288x288 1024x768x288 1024x288x768 1024x768x768 1024x2048x768 1024x768x2048 1024x1024x1024 256x32000x288}

for p in f32 bf16; do
	echo "--- $p"
	# shellcheck disable=SC2086
	"$bin/jtrain" bench -j "$threads" -q --precision $p --product $shapes
	[ -n "${J_PEER_PYTHON:-}" ] || continue
	# shellcheck disable=SC2086
	OMP_NUM_THREADS=$threads "$J_PEER_PYTHON" - $p $shapes <<'P'
import sys, time, torch
dtype = torch.bfloat16 if sys.argv[1] == "bf16" else torch.float32
for shape in sys.argv[2:]:
    m, n, k = map(int, shape.split("x"))
    x, w = torch.randn(m, k).to(dtype), torch.randn(n, k).to(dtype)
    best = 9.0
    for _ in range(20):
        t = time.perf_counter()
        x @ w.t()
        best = min(best, time.perf_counter() - t)
    print(f"torch NT {shape} {2 * m * n * k / best / 1e9:.1f} GFLOP/s")
P
done
echo "--- weights laid out for generation"
"$bin/jtrain" bench -j "$threads" -q --product 1x1536x576:q8_0 1x49152x576:q8_0 8x49152x576:q8_0 \
	256x1536x576:q8_0 1x4096x4096:q4_0 1x4096x4096:q4_k 1x4096x4096:q6_k 1x49152x576:f16 256x1536x576:f16
