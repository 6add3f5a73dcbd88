#!/usr/bin/env python3
"""Scores the same file with penstock and with score.py, in turn, and compares.

    python3 compare.py PENSTOCK CONFIG MODEL EVENTS [RUNS]

It prints rows per CPU second (user + system of the whole process, start-up
included) and per second of wall time: the median of all runs, and the median of
the ratios pair by pair, which holds when the machine's speed drifts. It fails
when the two do not give the same scores.
"""

import json
import os
import statistics
import sys
import tempfile
import time

RUNS = 5


def run(command, stdout_path):
    """Runs a command to its end; gives CPU and wall seconds and peak MB."""
    out = os.open(stdout_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    start = time.monotonic()
    pid = os.posix_spawnp(command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, out, 1)])
    _, status, usage = os.wait4(pid, 0)
    wall = time.monotonic() - start
    os.close(out)
    if status != 0:
        sys.exit(f"{command[0]} ended with {os.waitstatus_to_exitcode(status)}")
    return usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024


def check(path_a, path_b):
    """Counts the rows of both; every id, score and label must agree."""
    rows = 0
    with open(path_a, "rb") as a, open(path_b, "rb") as b:
        for line_a, line_b in zip(a, b, strict=True):
            x, y = json.loads(line_a), json.loads(line_b)
            if x["id"] != y["id"] or x["label"] != y["label"] or abs(x["score"] - y["score"]) > 2e-6 + 2e-5 * abs(y["score"]):
                sys.exit(f"they disagree:\n{line_a.decode()}{line_b.decode()}")
            rows += 1
    return rows


def main():
    penstock, config, model, events = sys.argv[1:5]
    runs = int(sys.argv[5]) if len(sys.argv) > 5 else RUNS
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "score.py")
    commands = {
        "penstock": [penstock, "predict", "--quiet", config, events],
        "python": [sys.executable, script, model, events],
    }
    taken = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: os.path.join(folder, name) for name in commands}
        for _ in range(runs):
            for name, command in commands.items():
                taken[name].append(run(command, paths[name]))
        rows = check(paths["penstock"], paths["python"])
    print(f"{rows:,} rows, {runs} runs of each in turn, the same scores and labels")
    print(f"{'':10} {'rows/CPU s':>12} {'µs CPU/row':>11} {'rows/s':>12} {'peak MB':>8}")
    for name, runs_taken in taken.items():
        cpu, wall, peak = (statistics.median(column) for column in zip(*runs_taken))
        print(f"{name:10} {rows / cpu:12,.0f} {cpu / rows * 1e6:11.2f} {rows / wall:12,.0f} {peak:8.0f}")
    ratios = [p[0] / m[0] for m, p in zip(taken["penstock"], taken["python"])]
    print(f"rows per CPU second: {statistics.median(ratios):.2f} times Python's (from {min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
