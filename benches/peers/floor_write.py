"""A floor: the three tables that notemill made are read and written again, a file a month."""

import sys
from pathlib import Path

import pyarrow.parquet as pq

from peer import places

_, out = places()
for table in ("notes", "note_images", "note_hashtags"):
    for path in (Path(sys.argv[1]) / "latest" / table).rglob("*.parquet"):
        rows = pq.ParquetFile(path).read()
        pq.write_table(rows, out / table / f"{path.parent.name}.parquet", compression="zstd")
