"""The archive's bytes, and those of all its bodies as one zstd stream.

`python3 archive_size.py DATASET` prints a line of JSON.
"""

import json
import sys
from pathlib import Path

import pyarrow.parquet as pq
import zstandard

segments = sorted((Path(sys.argv[1]) / "archive").glob("*.parquet"))
compressor = zstandard.ZstdCompressor(level=3).compressobj()
raw = stream = answers = body_column = 0
for segment in segments:
    file = pq.ParquetFile(segment)
    for group in range(file.num_row_groups):
        columns = (file.metadata.row_group(group).column(at) for at in range(file.metadata.num_columns))
        body_column += sum(column.total_compressed_size for column in columns if column.path_in_schema == "body")
    for batch in file.iter_batches(columns=["body"], batch_size=256):
        for body in batch["body"].to_pylist():
            if body is not None:
                body = body.encode()
                answers, raw = answers + 1, raw + len(body)
                stream += len(compressor.compress(body))
stream += len(compressor.flush())
told = {"answers": answers, "raw": raw, "stream": stream, "body_column": body_column, "segments": len(segments)}
print(json.dumps(told | {"archive": sum(segment.stat().st_size for segment in segments)}))
