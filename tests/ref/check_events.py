"""Reads the event file of a run with the tensorboard package and compares it with the JSONL log.
usage: check_events.py LOGDIR METRICS.jsonl"""
import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

TAGS = {"loss/train": "loss", "loss/held-out": "valid_loss", "optimizer/lr": "lr",
        "optimizer/grad_norm": "grad_norm", "tokens": "tokens", "bits_per_byte/train": "bpb",
        "bits_per_byte/held-out": "valid_bpb", "speed/tokens_per_s": "tokens_per_s",
        "speed/peak_share": "peak_share"}
acc = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
acc.Reload()
lines = [json.loads(x) for x in open(sys.argv[2])]
assert set(acc.Tags()["scalars"]) <= set(TAGS), acc.Tags()
points = 0
for tag, key in TAGS.items():
    want = [(x["step"], x[key]) for x in lines if key in x]
    got = [(x.step, x.value) for x in acc.Scalars(tag)] if want else []
    assert [s for s, _ in got] == [s for s, _ in want], tag
    for (_, a), (step, b) in zip(got, want):
        assert abs(a - b) <= 1e-6 * max(1, abs(b)), (tag, step, a, b)
    points += len(got)
print(f"{points} points of {len(acc.Tags()['scalars'])} curves, {len(lines)} steps")
