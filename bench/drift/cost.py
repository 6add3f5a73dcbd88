"""Reads what `go test -bench` printed of many runs and prints the median of each figure, its range, and what was promised."""

import re
import statistics
import sys

PROMISES = {
    ("Numbers", "ns/event"): 10,
    ("Numbers", "allocs/op"): 0,
    ("Texts", "ns/event"): 30,
    ("Texts", "allocs/op"): 0,
    ("Add", "ns/op"): 5_000,
    ("WindowsClose", "ns/op"): 50_000_000,
    ("Judge", "ns/op"): 50_000_000,
}
OTHERS = {"BareLoop": ("ns/event",), "Counting": ("bare-ns/event", "counting-ns/event", "share")}

figures = {}
with open(sys.argv[1]) as lines:
    for line in lines:
        if line.startswith("cpu:"):
            cpu = line.strip()
        if not (found := re.match(r"Benchmark(\S+?)-\d+\s+\d+\s+(.+)", line)):
            continue
        name, metrics = found[1], found[2].split()
        kind = name.split("/")[0]
        for value, unit in zip(metrics[::2], metrics[1::2]):
            if (kind, unit) in PROMISES or unit in OTHERS.get(kind, ()):
                figures.setdefault((kind, name, unit), []).append(float(value))
print(cpu)
print(f"{'':34} {'':18} {'median':>12} {'least':>12} {'most':>12} {'promised':>12}")
for (kind, name, unit), values in figures.items():
    promise = PROMISES.get((kind, unit), "")
    print(f"{name:34} {unit:18} {statistics.median(values):12.4g} {min(values):12.4g} {max(values):12.4g} {promise:>12}")
