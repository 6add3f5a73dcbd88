"""Prints what an event costs without drift and with it, and the medians of the ratios of each two runs in turn.

It reads what steady.py printed of runs named NAME, drift off and NAME, drift on.
"""

import re
import statistics
import sys

LINE = re.compile(r"^(.+), drift (off|on) .* ([\d.]+) events/s +([\d.]+) us CPU")

runs = {}  # events a second and CPU an event, by name and turn
for line in sys.stdin:
    sys.stderr.write(line)
    if found := LINE.match(line):
        name, turn, rate, cpu = found.groups()
        runs.setdefault(name, {"off": [], "on": []})[turn].append((float(rate), float(cpu)))
print(f"\n{'':18} {'':16} {'off':>10} {'on':>10} {'on/off':>7}")
for name, turns in runs.items():
    for at, unit in enumerate(("events/s", "us CPU an event")):
        off, on = ([run[at] for run in turns[turn]] for turn in ("off", "on"))
        ratios = [b / a for a, b in zip(off, on)]
        print(
            f"{name:18} {unit:16} {statistics.median(off):10.2f} {statistics.median(on):10.2f}"
            f" {statistics.median(ratios):7.3f}   {min(ratios):.3f} to {max(ratios):.3f}"
        )
