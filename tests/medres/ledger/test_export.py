import csv
import json
import subprocess
import sys

import pandas as pd
import pytest

from medres.ledger import LedgerRow, export_csv, export_json, export_parquet
from medres.ledger.row import EXPORTED_COLUMNS

ROWS = [
    LedgerRow("ct-1", "a", "b", "ok", probability=0.1 + 0.2, probabilities={"benign": 0.7}, relative_path="x/y"),
    LedgerRow("ct-2", "a", "b", "refused", "E_GEOM_GAP", '=cmd|"calc"', warnings=("W_A", "W_B"), finished_at="now"),
]
EXPORTS = {"csv": export_csv, "parquet": export_parquet, "json": export_json}


def test_csv_keeps_every_bit_of_a_number(tmp_path):
    assert export_csv(ROWS, tmp_path / "r.csv") == 2
    table = pd.read_csv(tmp_path / "r.csv", float_precision="round_trip")
    assert table.probability[0] == 0.1 + 0.2
    assert pd.isna(table.probability[1])
    assert tuple(table.columns) == EXPORTED_COLUMNS


def test_csv_makes_formulas_harmless_and_leaves_negative_numbers(tmp_path):
    export_csv([LedgerRow("@ct", "+a", "-b", "ok", message="=1", seconds=-1.5)], tmp_path / "r.csv")
    record = next(csv.DictReader((tmp_path / "r.csv").open()))
    assert [record[c] for c in ("series_key", "model_digest", "configuration_digest", "message", "seconds")] == [
        "'@ct",
        "'+a",
        "'-b",
        "'=1",
        "-1.5",
    ]


def test_parquet_and_csv_tell_the_same(tmp_path):
    export_csv(ROWS, tmp_path / "r.csv")
    export_parquet(ROWS, tmp_path / "r.parquet")
    columns = [c for c in EXPORTED_COLUMNS if c != "message"]
    left = pd.read_csv(tmp_path / "r.csv", float_precision="round_trip")[columns].fillna("")
    right = pd.read_parquet(tmp_path / "r.parquet")[columns].fillna("")
    assert left.astype(str).equals(right.astype(str))


def test_json_is_a_list_of_objects(tmp_path):
    export_json(ROWS, tmp_path / "r.json")
    content = json.loads((tmp_path / "r.json").read_text())
    assert [r["status"] for r in content] == ["ok", "refused"]
    assert content[1]["warnings"] == ["W_A", "W_B"]


@pytest.mark.parametrize("kind", EXPORTS)
def test_an_empty_ledger_gives_an_empty_table(tmp_path, kind):
    assert EXPORTS[kind]([], tmp_path / f"r.{kind}") == 0
    assert (tmp_path / f"r.{kind}").stat().st_size > 0


@pytest.mark.parametrize("kind", EXPORTS)
def test_places_and_times_stay_in_the_ledger(tmp_path, kind):
    EXPORTS[kind](ROWS, tmp_path / "r")
    content = (tmp_path / "r").read_bytes()
    assert b"x/y" not in content
    assert b"finished_at" not in content


LIMITED = """
import resource, sys
from pathlib import Path
from medres.errors import StoreError
from medres.ledger import LedgerRow, export_csv, export_json, export_parquet
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
export = {"csv": export_csv, "parquet": export_parquet, "json": export_json}[sys.argv[2]]
try:
    export((LedgerRow(f"ct-{n}", "a", "b", "ok", message=f"{n**40}") for n in range(3000)), Path(sys.argv[1]))
except StoreError as error:
    print(error)
"""


@pytest.mark.parametrize("kind", EXPORTS)
def test_full_disk_leaves_the_old_table_as_it_was(tmp_path, kind):
    path = tmp_path / f"r.{kind}"
    EXPORTS[kind](ROWS, path)
    before = path.read_bytes()
    said = subprocess.run([sys.executable, "-c", LIMITED, path, kind], capture_output=True, text=True)
    assert said.stdout.startswith("E_DISK_FULL: the table of results cannot be written")
    assert said.stderr == ""
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_places_are_json_in_one_cell(tmp_path):
    place = {"voxel": [1, 2, 3], "slice": 4, "probability": 0.5}
    export_csv([LedgerRow("ct", "a", "b", "ok", places=(place,)), LedgerRow("mr", "a", "b", "ok")], tmp_path / "r.csv")
    with (tmp_path / "r.csv").open(newline="") as stream:
        cells = [row["places"] for row in csv.DictReader(stream)]
    assert json.loads(cells[0]) == [place]
    assert cells[1] == ""
