"""The tables of the two peers that fill lists in Python: columns, and files by month."""

import datetime

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

TEXT, BIG, SMALL, TIME = pa.string(), pa.int64(), pa.int32(), pa.timestamp("us", "UTC")
MONTH = ("published_month", TEXT)
SCHEMAS = {
    "notes": pa.schema([
        ("note_id", TEXT), ("author_id", TEXT), ("author_nickname", TEXT), ("note_type", TEXT), ("title", TEXT),
        ("description", TEXT), ("published_at", TIME), ("updated_at", TIME), ("ip_location", TEXT), ("language", TEXT),
        ("liked_count", BIG), ("collected_count", BIG), ("comment_count", BIG), ("share_count", BIG),
        ("image_count", SMALL), ("hashtags", pa.list_(TEXT)),
        ("cover_url", TEXT), ("cover_width", SMALL), ("cover_height", SMALL),
        ("video_duration_ms", BIG), ("video_url", TEXT), ("video_width", SMALL), ("video_height", SMALL),
        ("sound_id", TEXT), ("sound_name", TEXT), ("share_url", TEXT), ("content_observed_at", TIME), MONTH,
    ]),
    "note_images": pa.schema([
        ("note_id", TEXT), ("position", SMALL), ("file_id", TEXT), ("url", TEXT), ("original_url", TEXT),
        ("width", SMALL), ("height", SMALL), MONTH,
    ]),
    "note_hashtags": pa.schema([
        ("note_id", TEXT), ("position", SMALL), ("hashtag_id", TEXT), ("name", TEXT), ("kind", TEXT), MONTH,
    ]),
}


def bodies(segments):
    """Yields the bodies of details, a batch at once, each with the microsecond of its answer."""
    columns = ["endpoint", "outcome", "body_encoding", "observed_at", "body"]
    wanted = (pc.field("endpoint") == "note_detail") & (pc.field("outcome") == "ok")
    wanted &= pc.field("body_encoding") == "utf8"
    files = ds.dataset(sorted(map(str, segments)))
    for batch in files.scanner(columns=columns, filter=wanted, batch_size=4096, batch_readahead=1).to_batches():
        yield zip(batch["observed_at"].cast(BIG).to_pylist(), batch["body"].cast(pa.binary()).to_pylist())


def month(second):
    return datetime.datetime.fromtimestamp(second, datetime.UTC).strftime("%Y-%m")


def write(out, table, rows):
    """Writes rows, which are in the order of their notes, as a file a month."""
    schema = SCHEMAS[table]
    columns = list(zip(*rows)) or [[]] * len(schema)
    whole = pa.table([pa.array(column, kind) for column, kind in zip(columns, schema.types)], schema=schema)
    for value in pc.unique(whole["published_month"]).to_pylist():
        part = whole.filter(pc.equal(whole["published_month"], value)).drop_columns("published_month")
        folder = out / table / f"published_month={value}"
        folder.mkdir()
        pq.write_table(part, folder / "0.parquet", compression="zstd")
