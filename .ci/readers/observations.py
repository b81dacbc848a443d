"""The merge rule as SQL over the observations gives every table of the snapshot, row for row."""

import duckdb

import jobs

RULE = (jobs.ROOT / "docs" / "merge.sql").read_text()
KINDS = ["observed_notes", "observed_authors", "observed_hits", "observed_calls", "observed_rejects"]


def check(check, dataset):
    compare(check, dataset, dataset.folder / ".cache" / "observations", "-*")
    if dataset.job.expires:
        compare(check, dataset, dataset.folder / "archive" / "observations", "")


def compare(check, dataset, files, number):
    with duckdb.connect() as db:
        for kind in KINDS:
            db.sql(f"CREATE TABLE {kind} AS FROM read_parquet('{files}/*/{kind}{number}.parquet')")
        db.execute(RULE)
        for table in dataset.tables:
            columns = ", ".join(table.columns)
            merged = f"SELECT {columns} FROM merged_{table.name}"
            # An empty list of folders has no partition column to leave out: the columns are named.
            written = f"SELECT {columns} FROM read_parquet('{dataset.path(table)}/**/*.parquet', hive_partitioning = false)"
            for name, rows, others in [("merged", merged, written), ("written", written, merged)]:
                alone = db.sql(f"SELECT COLUMNS(*)::VARCHAR FROM ({rows} EXCEPT ALL {others}) LIMIT 2").fetchall()
                check.equal(alone, [], f"rows of `{table.name}` that are only {name}")
            [(rows,)] = db.sql(f"SELECT count(*) FROM merged_{table.name}").fetchall()
            check.equal(rows, table.rows, f"merged rows of `{table.name}`")
