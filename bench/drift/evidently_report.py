#!/usr/bin/env python3
"""Evidently's own drift report over two files, as its documentation has it.

    python3 evidently_report.py REFERENCE CURRENT

Prints how many columns have drifted, so that nobody is timed for nothing.
"""

import sys
import warnings

warnings.filterwarnings("ignore")

import pandas as pd  # noqa: E402
from evidently import Report  # noqa: E402
from evidently.presets import DataDriftPreset  # noqa: E402


def read(path):
    return pd.read_csv(path) if path.endswith(".csv") else pd.read_parquet(path)


def main():
    reference, current = read(sys.argv[1]), read(sys.argv[2])
    report = Report([DataDriftPreset()]).run(reference_data=reference, current_data=current)
    print(report.dict()["metrics"][0]["value"])


if __name__ == "__main__":
    main()
