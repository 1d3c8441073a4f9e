"""Reads the offline run of a training run with the wandb package's messages and compares it with the
JSONL log.
usage: check_wandb.py RUN.wandb METRICS.jsonl"""
import json
import struct
import sys
import zlib

from wandb.proto.wandb_internal_pb2 import Record

BLOCK, HEAD = 32768, 7
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4


def records(data):
    assert data[:HEAD] == struct.pack("<4sHB", b":W&B", 0xBEE1, 0), "not a W&B file"
    at, whole = HEAD, b""
    while at < len(data):
        if BLOCK - at % BLOCK < HEAD:
            at += BLOCK - at % BLOCK
            continue
        crc, n, kind = struct.unpack_from("<IHB", data, at)
        piece = data[at + HEAD:at + HEAD + n]
        assert len(piece) == n and at % BLOCK + HEAD + n <= BLOCK, f"piece at {at}"
        assert zlib.crc32(bytes([kind]) + piece) == crc, f"checksum at {at}"
        assert (kind in (FULL, FIRST)) == (whole == b""), f"order of pieces at {at}"
        whole += piece
        at += HEAD + n
        if kind in (FULL, LAST):
            yield Record.FromString(whole)
            whole = b""
    assert whole == b""


all_ = list(records(open(sys.argv[1], "rb").read()))
lines = [json.loads(line) for line in open(sys.argv[2])]
assert [r.num for r in all_] == list(range(1, len(all_) + 1))
kinds = [r.WhichOneof("record_type") for r in all_]
assert kinds == ["header", "run"] + ["history"] * len(lines) + ["exit"], kinds
run = all_[1].run
assert run.run_id in sys.argv[1] and run.project and run.start_time.seconds > 0
assert isinstance(json.loads(run.config.update[0].value_json), dict)
for r, line in zip(all_[2:], lines):
    item = {i.key: json.loads(i.value_json) for i in r.history.item}
    assert r.history.step.num == item["_step"] == line["step"]
    for key, of in (("loss/train", "loss"), ("optimizer/lr", "lr"), ("tokens", "tokens"),
                    ("loss/held-out", "valid_loss")):
        assert (key in item) == (of in line), key
        assert key not in item or abs(item[key] - line[of]) <= 1e-7 * abs(line[of]), key
print(f"{len(lines)} steps")
