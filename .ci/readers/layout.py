"""What stands on disk: the link, the manifest, and the files that it names."""

import hashlib
import json
import os
import re

import pyarrow.parquet as pq

import readers

BESIDE_TABLES = {"manifest.json", "README.md"}


def check(check, dataset):
    latest(check, dataset)
    folder = dataset.latest
    named = {file["path"] for table in dataset.tables for file in table.files}
    found = {
        os.path.relpath(os.path.join(inside, name), folder)
        for inside, _, names in os.walk(folder)
        for name in names
    }
    check.equal(sorted(found - named - BESIDE_TABLES), [], "files that the manifest does not name")
    check.equal(sorted(named - found), [], "files that are named and not there")
    check.equal(sorted(BESIDE_TABLES - found), [], "files missing beside the tables")
    check.equal(sorted(dataset.manifest["tables"]), sorted(table.name for table in dataset.tables), "tables")
    check.equal(dataset.manifest["origin"], "live" if dataset.job.timeless else "sandbox", "origin")
    for table in dataset.tables:
        check.equal(sum(file["rows"] for file in table.files), table.rows, f"rows of `{table.name}` in the manifest")
        for file in table.files:
            one_file(check, dataset, table, file)


def latest(check, dataset):
    """The link and the file must name the same snapshot, by a path that survives a move of the dataset."""
    pointer = json.loads((dataset.folder / "latest.json").read_text())
    number = dataset.manifest["snapshot"]
    check.equal(os.readlink(dataset.latest), f"snapshots/{number:06}", "where `latest` leads")
    check.equal(pointer, {"snapshot": number, "path": f"snapshots/{number:06}"}, "`latest.json`")
    check.equal(number, len(dataset.job.runs), "snapshots after as many runs")
    standing = sorted(os.listdir(dataset.folder / "snapshots"))
    check.equal(standing, [f"{at:06}" for at in range(1, number + 1)], "folders of snapshots")


def one_file(check, dataset, table, file):
    path = file["path"]
    content = (dataset.latest / path).read_bytes()
    check.equal(len(content), file["bytes"], f"bytes of `{path}`")
    sha256 = hashlib.sha256(content).hexdigest()
    check.equal(sha256, file["sha256"], f"sha256 of `{path}`")
    folder = rf"/{table.partition}=\d{{4}}(?:-\d\d){{0,2}}" if table.partition else ""
    check(re.fullmatch(rf"{table.name}{folder}/{sha256[:12]}\.parquet", path), f"the path `{path}` is another than told")
    footer = pq.ParquetFile(dataset.latest / path)
    check.equal(footer.metadata.num_rows, file["rows"], f"rows of `{path}`")
    schema = footer.schema_arrow
    check.equal(schema.names, list(table.columns), f"columns in `{path}`")
    for column in schema:
        told = (column.metadata or {}).get(b"description", b"").decode()
        check.equal(told, table.descriptions[column.name], f"description of `{column.name}` in `{path}`")
        told = readers.TYPES[table.columns[column.name]][0]
        check.equal(readers.plain(column.type), told, f"type of `{column.name}` in `{path}`")
        check.equal(column.nullable, table.nullable[column.name], f"whether `{column.name}` may be null in `{path}`")
