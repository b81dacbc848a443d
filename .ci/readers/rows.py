"""What every table must hold: its columns and types in every reader, its order, and its partitions."""

from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

import readers

LENGTH = {"published_year": 4, "published_month": 7, "published_date": 10, "observed_date": 10}


def check(check, dataset, table):
    names = [*table.columns, *([table.partition] if table.partition else [])]
    fields = [pa.field(name, readers.TYPES[told][0]) for name, told in table.columns.items()]
    # Readers differ in the partition column's type: text, a number or a date. Its text is the same.
    fields += [pa.field(table.partition, pa.string())] if table.partition else []
    schema = pa.schema(fields)
    first = None
    for reader, read in readers.READ.items():
        try:
            frame = read(dataset.path(table))
        except Exception as error:
            check(False, f"{reader} cannot read it: {type(error).__name__}: {error}")
        check.equal(readers.columns(reader, frame), names, f"columns in {reader}")
        content = readers.to_arrow(reader, frame, schema)
        check.equal(content.num_rows, table.rows, f"rows in {reader}")
        for column, told in table.columns.items():
            has_nulls = content[column].null_count > 0
            expected = readers.expected_type(reader, told, has_nulls)
            check.equal(readers.type_of(reader, frame, column), expected, f"type of `{column}` in {reader}")
        content = content.sort_by([(column, "ascending") for column in table.sorted_by])
        first = content if first is None else first
        for column in names:
            check(content[column].equals(first[column]), f"the values of `{column}` in {reader} are not those in pyarrow")
    check("snapshot" not in names, "a column is named `snapshot`")
    for column in first.column_names:
        if column != table.partition and not table.nullable[column]:
            check.equal(first[column].null_count, 0, f"nulls in `{column}`, which may not be null")
    order(check, dataset, table)
    partitions(check, dataset, table, first)


def order(check, dataset, table):
    """Rows are sorted inside each file, and unique over all files, by the columns that the dictionary names."""
    keys = set()
    for file in table.files:
        content = pq.ParquetFile(dataset.latest / file["path"]).read(columns=table.sorted_by)
        found = list(zip(*(content[column].to_pylist() for column in table.sorted_by)))
        # Null sorts first.
        ordered = sorted(found, key=lambda key: [(cell is not None, cell) for cell in key])
        check(found == ordered, f"`{file['path']}` is not sorted by {', '.join(table.sorted_by)}")
        keys.update(found)
    check.equal(len(keys), table.rows, f"unique rows by {', '.join(table.sorted_by)}")


def partitions(check, dataset, table, content):
    """A partition column tells the date of the time that the row itself tells, in the dataset's time zone."""
    if table.partition is None:
        return
    length, zone = LENGTH[table.partition], ZoneInfo(dataset.manifest["layout"]["time_zone"])
    times = published(dataset) if table.partition.startswith("published") else observed(dataset)
    for row in content.to_pylist():
        key = [row[column] for column in table.sorted_by]
        if table.partition != "observed_date":
            belongs_to = row["note_id"]
        else:
            belongs_to = None if "observed_at" in row else (row["run_id"], row["call_key"])
        check(belongs_to is None or belongs_to in times, lambda: f"nothing is told of {belongs_to}, of the row {key}")
        time = row["observed_at"] if belongs_to is None else times[belongs_to]
        expected = time.astimezone(zone).isoformat()[:length]
        check.equal(row[table.partition], expected, f"`{table.partition}` of the row {key}")


def published(dataset):
    """When each note was published: as told, else the second in its id; else when it was first seen."""
    notes = readers.READ["pyarrow"](str(dataset.latest / "notes"))
    columns = (notes[column].to_pylist() for column in ("note_id", "published_at", "first_seen_at"))
    return {note: time or second_of(note) or first for note, time, first in zip(*columns)}


def second_of(note):
    if len(note) != 24 or set(note.lower()) - set("0123456789abcdef"):
        return None
    return datetime.fromtimestamp(int(note[:8], 16), timezone.utc)


def observed(dataset):
    """When each call was answered."""
    calls = readers.READ["pyarrow"](str(dataset.latest / "calls")).to_pylist()
    return {(call["run_id"], call["call_key"]): call["observed_at"] for call in calls}
