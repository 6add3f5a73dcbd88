"""Reads what usage.py printed of runs named NAME, drift off and NAME, drift on, and prints the medians and those of the ratios of each two in turn."""

import re
import statistics
import sys

LINE = re.compile(r"^(.+), drift (off|on) .* (\d+) events/s +([\d.]+) us CPU")

runs = {}
with open(sys.argv[1]) as lines:
    for line in lines:
        if found := LINE.match(line):
            name, turn, rate, cpu = found.groups()
            for unit, value in ("events/s", float(rate)), ("us CPU an event", float(cpu)):
                runs.setdefault((name, unit), {"off": [], "on": []})[turn].append(value)
print(f"\n{'':18} {'':16} {'off':>10} {'on':>10} {'on/off':>7}")
for (name, unit), turns in runs.items():
    ratios = [on / off for off, on in zip(turns["off"], turns["on"])]
    print(
        f"{name:18} {unit:16} {statistics.median(turns['off']):10.2f} {statistics.median(turns['on']):10.2f}"
        f" {statistics.median(ratios):7.3f}   {min(ratios):.3f} to {max(ratios):.3f}"
    )
