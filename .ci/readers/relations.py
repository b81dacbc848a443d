"""What tables tell of each other, asked in SQL over the files of one snapshot."""

import duckdb

# Every row of the first table has its row in the second.
JOINS = [
    ("search_hits", "note_id", "notes", "note_id"),
    ("note_metrics", "note_id", "notes", "note_id"),
    ("note_images", "note_id", "notes", "note_id"),
    ("note_hashtags", "note_id", "notes", "note_id"),
    ("note_mentions", "note_id", "notes", "note_id"),
    ("notes", "author_id", "authors", "author_id"),
    ("author_metrics", "author_id", "authors", "author_id"),
    ("author_tags", "author_id", "authors", "author_id"),
    ("search_hits", "run_id", "calls", "run_id"),
    ("rejects", "call_key", "calls", "call_key"),
]

# What the demo must show, or the checks would pass on nothing.
DEMO_HOLDS = ["notes", "note_images", "note_hashtags", "authors", "search_hits", "note_metrics", "author_metrics", "calls"]


def check(check, dataset):
    def read(table):
        return f"read_parquet('{dataset.latest}/{table}/**/*.parquet', hive_partitioning = true)"

    for child, column, parent, key in JOINS:
        lost = duckdb.sql(
            f"SELECT DISTINCT {column} FROM {read(child)} AS child WHERE {column} IS NOT NULL "
            f"AND NOT EXISTS (SELECT 1 FROM {read(parent)} AS parent WHERE parent.{key} = child.{column}) LIMIT 3"
        ).fetchall()
        check.equal(lost, [], f"`{child}.{column}` without its row in `{parent}`")
    counted = f"SELECT note_id, count(*) AS images FROM {read('note_images')} GROUP BY note_id"
    differ = duckdb.sql(
        f"SELECT note_id, image_count, images FROM {read('notes')} LEFT JOIN ({counted}) USING (note_id) "
        "WHERE coalesce(image_count, 0) <> coalesce(images, 0) LIMIT 3"
    ).fetchall()
    check.equal(differ, [], "notes whose `image_count` is not the number of their images")
    if dataset.job.text is None:
        empty = [table.name for table in dataset.tables if table.name in DEMO_HOLDS and table.rows == 0]
        check.equal(empty, [], "tables that the demo leaves empty")
