"""Reads lines of a name, a rate and what stream drive printed, and prints the medians of each name and rate in ms."""

import json
import statistics
import sys

runs = {}
for line in sys.stdin:
    sys.stderr.write(line)
    name, rate, driven = line.split(" ", 2)
    runs.setdefault((name, rate), []).append(json.loads(driven))
print(f"{'':10} {'load':14} {'p50':>7} {'p99':>7} {'max':>7} {'CPU us':>8}")
for (name, rate), trials in runs.items():
    load = "one at a time" if rate == "0" else rate + "/s"
    p50, p99, longest, cpu = (
        statistics.median(t[key] for t in trials) for key in ("p50_ms", "p99_ms", "max_ms", "cpu_us_per_event")
    )
    each = ", ".join(f"{t['p99_ms']:.1f}" for t in trials)
    print(f"{name:10} {load:14} {p50:7.2f} {p99:7.2f} {longest:7.2f} {cpu:8.1f}   p99 of each: {each}")
