"""Answers of any size: kept on disk, written to files, drawn."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.errors import UsageError
from idemtui.sql import files
from idemtui.sql.completion import Vocabulary, offer
from idemtui.sql.files import write_file
from idemtui.sql.plotting import Plot, plot_of
from idemtui.sql.spool import Spool

SCHEMA = pa.schema([("n", pa.int64()), ("n", pa.list_(pa.string()))])


def batches(*sizes: int) -> Iterator[pa.RecordBatch]:
    yield pa.RecordBatch.from_pylist([], schema=SCHEMA)
    at = 0
    for size in sizes:
        numbers = list(range(at, at + size))
        yield pa.RecordBatch.from_arrays([numbers, [[str(n)] for n in numbers]], schema=SCHEMA)
        at += size


@pytest.mark.parametrize(("offset", "size"), [(0, 3), (250, 20), (255, 1), (256, 300), (590, 100), (0, 600), (900, 5)])
def test_pages_are_the_rows_that_went_in(offset: int, size: int) -> None:
    spool = Spool(SCHEMA)
    for batch in batches(256, 44, 256, 44):
        assert spool.add(batch)
    wanted = [(n, [str(n)]) for n in range(offset, min(offset + size, 600))]
    assert (spool.rows, spool.page(offset, size)) == (600, wanted)
    spool.close()


def test_a_spool_stops_at_its_size() -> None:
    spool = Spool(SCHEMA, most_bytes=5_000)
    taken = [spool.add(batch) for batch in batches(50, 50, 5000)]
    assert taken == [True, True, True, False]
    assert spool.rows == 100
    spool.close()


def test_files_hold_all_rows_and_columns_of_one_name_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "GROUP_ROWS", 100)
    assert write_file(batches(256, 44), tmp_path / "a.parquet") == 300
    table = pq.read_table(tmp_path / "a.parquet")
    assert table.column_names == ["n", "n_2"]
    assert table.column("n").to_pylist() == list(range(300))
    assert pq.ParquetFile(tmp_path / "a.parquet").num_row_groups == 2
    assert write_file(batches(3), tmp_path / "a.csv") == 3
    rows = list(csv.reader((tmp_path / "a.csv").read_text().splitlines()))
    assert rows == [["n", "n_2"], ["0", '["0"]'], ["1", '["1"]'], ["2", '["2"]']]
    assert write_file(batches(), tmp_path / "none.parquet") == 0
    assert pq.read_table(tmp_path / "none.parquet").num_rows == 0


def test_a_file_is_complete_or_not_there(tmp_path: Path) -> None:
    def breaking() -> Iterator[pa.RecordBatch]:
        yield from batches(10)
        raise UsageError("the server is gone.")

    with pytest.raises(UsageError, match="gone"):
        write_file(breaking(), tmp_path / "a.parquet")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "there.csv").write_text("mine")
    with pytest.raises(UsageError, match="is there already"):
        write_file(batches(1), tmp_path / "there.csv")
    with pytest.raises(UsageError, match=r"allowed: \.csv or \.parquet"):
        write_file(batches(1), tmp_path / "a.xlsx")
    with pytest.raises(UsageError, match="cannot be written"):
        write_file(batches(1), tmp_path / "no" / "a.csv")


def plotted(columns: str, *rows: tuple[object, ...]) -> Plot:
    plot = plot_of(columns.split(), rows)
    assert isinstance(plot, Plot), plot
    return plot


def test_curves_are_told_apart_by_a_column_of_words() -> None:
    plot = plotted("name cycle trait", ("a", 0, 1.0), ("a", 1, 2.0), ("b", 0, 3.0), ("b", 1, None))
    assert (plot.x, plot.y) == ("cycle", "trait")
    assert plot.series == (("a", ((0.0, 1.0), (1.0, 2.0))), ("b", ((0.0, 3.0),)))


def test_what_is_no_finite_number_is_no_point() -> None:
    rows = ((0, 1.0), (1, math.nan), (2, math.inf), (math.inf, 2.0), (3, 3.0))
    assert plotted("step loss", *rows).series == (("loss", ((0.0, 1.0), (3.0, 3.0))),)


def test_several_numbers_of_one_size_share_a_chart() -> None:
    assert [name for name, _ in plotted("cycle trait coherence", (0, 5.0, 90.0), (1, 9.0, 80.0)).series] == [
        "trait", "coherence",
    ]  # fmt: skip
    assert plotted("cycle trait tokens", (0, 5.0, 9000), (1, 9.0, 8000)).y == "trait"


def test_words_and_times_stand_on_the_axis() -> None:
    words = plotted("stage seconds", ("train", 3), ("judge", 5))
    assert words.ticks == ((0.0, "train"), (1.0, "judge"))
    times = plotted("ts value", (datetime(2026, 1, 1, 10), 1.0), (datetime(2026, 1, 1, 11), 2.0))
    assert [word for _, word in times.ticks] == ["10:00", "11:00"]
    assert plotted("value", (3,), (5,)).x == "row"


def test_more_series_than_signs_are_counted() -> None:
    rows = [(f"run-{run}", cycle, 1.0) for run in range(11) for cycle in range(2)]
    plot = plot_of(["name", "cycle", "trait"], rows)
    assert isinstance(plot, Plot)
    assert (len(plot.series), plot.left_out) == (8, 3)


@pytest.mark.parametrize(
    ("columns", "rows", "said"),
    [
        (["a"], [], "0 rows"),
        (["a"], [(1,)], "1 row, a curve needs two"),
        (["a"], [("x",), ("y",)], "no column holds numbers (a)"),
        (["cycle"], [(1,), (2,)], "cycle is the only number"),
    ],
)
def test_what_cannot_be_drawn_says_why(columns: list[str], rows: list[tuple[object, ...]], said: str) -> None:
    plot = plot_of(columns, rows)
    assert isinstance(plot, str)
    assert said in plot


KNOWN = Vocabulary(
    {"runs": ["run_id", "name"], "scores": ["sample_id", "value"]},
    ["select", "from", "where"],
    ["sum", "regexp_matches"],
)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("sel", "", ("select",)),
        ("select * from r", "", ("runs",)),
        ("select * from ", "", ("runs", "scores")),
        ("select r.", " from runs as r", ("run_id", "name")),
        ("select s.va", " from scores s", ("value",)),
        ("select na", " from runs", ("name",)),
        ("select reg", " from runs", ("regexp_matches(",)),
        ("select x.", "", ()),
        ("select 1 ", "", ()),
    ],
)
def test_words_on_offer(before: str, after: str, words: tuple[str, ...]) -> None:
    assert offer(before, before + after, KNOWN).words == words
