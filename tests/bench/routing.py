"""Questions for tests/bench/routing.sh: out-of-domain ones and pairs of outcomes, as JSON lines."""
import csv
import glob
import json
import os
import random
import sys


def jsonl(path):
    with open(path) as f:
        return [json.loads(line) for line in f if line.strip()]


def rows(path):
    with open(path, newline="") as f:
        return list(csv.DictReader(f))


def write(path, records):
    with open(path, "w") as f:
        for r in records:
            f.write(json.dumps(r) + "\n")


def foreign(shared):
    """Question sets that have nothing to do with the domains, by name."""
    eval_, routing = shared + "/data/eval/", shared + "/data/routing/"
    yield "TruthfulQA", [r["Question"] for r in rows(eval_ + "TruthfulQA.csv")]
    yield "GSM8K", [r["prompt"] for r in rows(routing + "gsm8k_responses.csv")]
    yield "MMLU", [r["prompt"] for f in sorted(glob.glob(routing + "mmlu_responses/*.csv"))
                   if "computer" not in f for r in rows(f)]
    yield "OpenBookQA", [r["query"] for r in jsonl(eval_ + "openbook_qa.jsonl")]
    yield "CommonsenseQA", [r["query"].split("\nChoices")[0].replace("Question: ", "")
                            for r in jsonl(eval_ + "commonsense_qa.jsonl")]
    with open(shared + "/data/instruct/alpaca_5000.json") as f:
        yield "Alpaca", [(r["instruction"] + " " + r["input"]).strip() for r in json.load(f)]


def outcomes(files):
    """Whether the weak and the strong model were right, with the subject."""
    for path in files:
        for r in rows(path):
            right = {k.split("/")[0].split("-")[0]: v == "True" for k, v in r.items()
                     if k != "prompt" and not k.endswith("_response")}
            yield {"prompt": r["prompt"], "subject": os.path.basename(path)[:-4],
                   "weak": right["mistralai"], "strong": right["gpt"]}


def judged(path):
    """MT-Bench: the first turn's question, and a judge's mean score over both turns, of ten."""
    scores, questions = {}, {}
    for r in jsonl(path):
        key = (r["question_id"], "strong" if r["model"].startswith("gpt") else "weak")
        scores.setdefault(key, []).append(r["score"] / 10)
        text = r["user_prompt"].split("### User:\n", 1)
        if len(text) == 2:
            questions[r["question_id"]] = text[1].split("\n\n### Assistant A:")[0]
        elif r["turn"] == 1:
            questions[r["question_id"]] = r["user_prompt"].split("[Question]\n")[1].split(
                "\n\n[")[0]
    for i in sorted(questions):
        yield {"prompt": questions[i]} | {m: sum(scores[i, m]) / len(scores[i, m])
                                          for m in ("weak", "strong")}


def main():
    shared, out = sys.argv[1:]
    routing = shared + "/data/routing/"
    random.seed(0)
    for name, questions in foreign(shared):
        random.shuffle(questions)
        write(f"{out}/foreign.{name}.jsonl", ({"question": q} for q in questions[:800]))
    write(out + "/GSM8K.curve.jsonl", outcomes([routing + "gsm8k_responses.csv"]))
    write(out + "/MT-Bench.curve.jsonl", judged(routing + "mt_bench_judgements.jsonl"))
    write(out + "/MMLU.curve.jsonl", outcomes(sorted(glob.glob(routing + "mmlu_responses/*.csv"))))


main()
