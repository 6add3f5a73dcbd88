#!/usr/bin/env python3
"""Draws a reference and a current table of 20 columns, the second one drifted.

    python3 tables.py ROWS FOLDER [csv|parquet ...]

Numbers: 8 normal, 4 log-normal, 3 Poisson, one normal with 2 % missing.
Categories: 3 of 3, 20 and 200 values, one boolean.
"""

import pathlib
import sys

import numpy as np
import pandas as pd


def table(rows, seed, shift):
    draw = np.random.default_rng(seed)
    columns = {}
    for i in range(8):
        columns[f"normal{i}"] = np.round(draw.normal(100 + shift * (i == 0), 10, rows), 4)
    for i in range(4):
        columns[f"amount{i}"] = np.round(draw.lognormal(3, 1, rows), 2)
    for i in range(3):
        columns[f"count{i}"] = draw.poisson(5 + i, rows)
    holes = draw.normal(0, 1, rows)
    holes[draw.random(rows) < 0.02] = np.nan
    columns["holes"] = holes
    for i, values in enumerate((3, 20, 200)):
        columns[f"category{i}"] = np.char.add("c", np.minimum(draw.zipf(1.5, rows) - 1, values - 1).astype(str))
    columns["flag"] = draw.random(rows) < 0.1
    return pd.DataFrame(columns)


def main():
    rows, folder, formats = int(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:] or ["csv", "parquet"]
    for name, seed, shift in (("reference", 1, 0), ("current", 2, 5)):
        frame = table(rows, seed, shift)
        if "parquet" in formats:
            frame.to_parquet(folder / f"{name}.parquet", index=False)
        if "csv" in formats:
            frame.to_csv(folder / f"{name}.csv", index=False)


if __name__ == "__main__":
    main()
