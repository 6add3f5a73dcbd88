#!/usr/bin/env python3
"""Times `penstock drift report` and Evidently's report over the same files, in turn.

    python3 compare.py PENSTOCK FOLDER ROWS [RUNS [csv|parquet ...]]

Whole processes: start, imports, loading of both files, report. It prints medians
and the median of the ratios pair by pair, which holds when the machine's speed
drifts.
"""

import os
import pathlib
import statistics
import sys
import time


def run(command):
    """Runs a command to its end; gives wall and CPU seconds and peak MB."""
    start = time.monotonic()
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    pid = os.posix_spawnp(command[0], command, os.environ, file_actions=quiet)
    _, status, usage = os.wait4(pid, 0)
    wall = time.monotonic() - start
    if (code := os.waitstatus_to_exitcode(status)) not in (0, 3):  # 3: an alarm
        sys.exit(f"{command[0]} ended with {code}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main():
    penstock, folder, rows = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
    runs = int(sys.argv[4]) if len(sys.argv) > 4 else 3
    script = pathlib.Path(__file__).parent / "evidently_report.py"
    print(f"{rows:,} rows x 20 columns on each side, {runs} runs of each in turn, loading and start included")
    print(f"{'':10}{'':12}{'wall s':>9}{'CPU s':>9}{'rows/s':>12}{'peak MB':>9}")
    for kind in sys.argv[5:] or ("csv", "parquet"):
        files = [str(folder / f"{name}.{kind}") for name in ("reference", "current")]
        commands = {
            "penstock": [penstock, "drift", "report", "--json", "-q", "--reference-data", *files],
            "evidently": [sys.executable, str(script), *files],
        }
        results = {name: [] for name in commands}
        for _ in range(runs):
            for name, command in commands.items():
                results[name].append(run(command))
        for name, taken in results.items():
            wall, cpu, peak = (statistics.median(column) for column in zip(*taken))
            print(f"{kind:10}{name:12}{wall:9.2f}{cpu:9.2f}{rows / wall:12,.0f}{peak:9.0f}")
        ratios = [e[0] / p[0] for p, e in zip(results["penstock"], results["evidently"])]
        print(f"{kind:10}rows a second: {statistics.median(ratios):.1f} times Evidently's (from {min(ratios):.1f} to {max(ratios):.1f})", flush=True)


if __name__ == "__main__":
    main()
