"""A hash over the sorted rows of each table: `python3 compare.py NOTEMILL_SNAPSHOT TABLES...` prints a line of JSON.

Only types are made the same before: times are microseconds, integers are 64 bits wide, texts are one kind of text.
"""

import hashlib
import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds

KEYS = {"notes": ["note_id"], "note_images": ["note_id", "position"], "note_hashtags": ["note_id", "position"]}


def files(folder, table):
    return ds.dataset(sorted(str(path) for path in (folder / table).rglob("*.parquet")), format="parquet")


def alike(column):
    kind = column.type
    if pa.types.is_timestamp(kind):
        return column.cast(pa.timestamp("us", kind.tz)).cast(pa.int64())
    if pa.types.is_integer(kind):
        return column.cast(pa.int64())
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return column.cast(pa.list_(pa.string()))
    return column.cast(pa.string())


def digest(folder, table, columns):
    rows = files(folder, table).to_table(columns=columns).sort_by([(key, "ascending") for key in KEYS[table]])
    columns = [alike(column).to_pylist() for column in rows.columns]
    hashed = hashlib.sha256()
    for row in zip(*columns):
        hashed.update(repr(row).encode())
        hashed.update(b"\n")
    return rows.num_rows, hashed.hexdigest()[:16]


def main():
    ours, others = Path(sys.argv[1]), [Path(folder) for folder in sys.argv[2:]]
    told = {}
    for table in KEYS:
        # What all have is compared; a folder's name is no column.
        shared = set(files(ours, table).schema.names)
        for other in others:
            shared &= set(files(other, table).schema.names)
        columns = sorted(shared)
        digests = {folder.name: digest(folder, table, columns) for folder in [ours, *others]}
        told[table] = {"columns": columns, "of": len(files(ours, table).schema.names), "digests": digests}
    print(json.dumps(told))


main()
