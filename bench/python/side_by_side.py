"""Reads what usage.py and jetstream lone printed, and prints the medians of each name beside those of the bare loop before it."""

import re
import statistics
import sys

FORMS = {
    "events/s": re.compile(r"^(.+?)  .*\brate (\d+)"),
    "us CPU an event": re.compile(r"^(.+?)  +[\d.]+ s .* ([\d.]+) us CPU"),
    "us the server's": re.compile(r"^(.+?)  .* server ([\d.]+) us"),
    "ms p50": re.compile(r"^(.+?)  +lone p50 ([\d.]+) ms"),
    "ms p99": re.compile(r"^(.+?)  +lone .* p99 ([\d.]+) ms"),
}

for path in sys.argv[1:]:
    trials = {}
    with open(path) as lines:
        for line in lines:
            for unit, form in FORMS.items():
                if found := form.match(line):
                    trials.setdefault(unit, {}).setdefault(found[1], []).append(float(found[2]))
    print()
    for unit, names in trials.items():
        for name, values in names.items():
            median = statistics.median(values)
            if name.startswith("bare"):
                bare = median
            print(f"{name:36s} {median:10.2f} {unit:16s} {median / bare:5.2f} x   {min(values):.2f} to {max(values):.2f}")
