"""Prints what an event costs without drift and with it, and the medians of the ratios of each two runs in turn.

It reads what usage.py printed of runs named NAME, drift off and NAME, drift on, over
few events and over many: what a run takes for the few is taken off the many.
"""

import re
import statistics
import sys

LINE = re.compile(r"^(.+), drift (off|on) +([\d.]+) s .* ([\d.]+) us CPU")


def runs(path, events):
    """Wall and CPU seconds of each run, by name and turn."""
    all_runs = {}
    with open(path) as lines:
        for line in lines:
            if found := LINE.match(line):
                name, turn, wall, cpu = found.groups()
                all_runs.setdefault((name, turn), []).append((float(wall), float(cpu) * events / 1e6))
    return all_runs


few, many = int(sys.argv[1]), int(sys.argv[3])
starts, measured, count = runs(sys.argv[2], few), runs(sys.argv[4], many), many - few
print(f"\n{'':18} {'':16} {'off':>10} {'on':>10} {'on/off':>7}")
for name in dict.fromkeys(name for name, _ in measured):
    net = {}
    for turn in "off", "on":
        start = [statistics.median(values) for values in zip(*starts[name, turn])]
        net[turn] = [(count / (wall - start[0]), (cpu - start[1]) / count * 1e6) for wall, cpu in measured[name, turn]]
    for at, unit in enumerate(("events/s", "us CPU an event")):
        off, on = ([run[at] for run in net[turn]] for turn in ("off", "on"))
        ratios = [b / a for a, b in zip(off, on)]
        print(
            f"{name:18} {unit:16} {statistics.median(off):10.2f} {statistics.median(on):10.2f}"
            f" {statistics.median(ratios):7.3f}   {min(ratios):.3f} to {max(ratios):.3f}"
        )
