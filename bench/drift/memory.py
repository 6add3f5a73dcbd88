#!/usr/bin/env python3
"""Ten times the rows: peak memory of a reference and a report over ten files.

    python3 memory.py PENSTOCK FOLDER

FOLDER is one that tables.py has filled.
"""

import pathlib
import sys
import tempfile

from compare import run


def main():
    penstock, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as scratch:
        reference = str(pathlib.Path(scratch) / "reference.json")
        for kind in ("csv", "parquet"):
            for what, command in {
                "reference": ["reference", *[str(folder / f"reference.{kind}")] * 10, "-o", reference],
                "report": ["report", "--reference", reference, "--json", *[str(folder / f"current.{kind}")] * 10],
            }.items():
                wall, cpu, peak = run([penstock, "drift", command[0], "-q", *command[1:]])
                print(f"{kind:10}{what:12}ten files: {wall:7.2f} s wall {cpu:7.2f} s CPU {peak:6.0f} MB peak", flush=True)


if __name__ == "__main__":
    main()
