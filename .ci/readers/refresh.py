"""Readers at work while a dataset is built 200 times, and half of the builds are killed.

The answers of the demo come one by one, each as a segment of its own, so that a snapshot holds the first so many of them.
Three readers resolve `latest` once and read its tables, again and again. What each saw must be what the first so many
answers tell: the last snapshot's own rows, up to the moment of the latest call that was seen.
"""

import hashlib
import json
import multiprocessing
import os
import random
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

import jobs

BUILDS = 200
# What tells when a row came: in the last snapshot, rows up to a moment are the rows of an earlier one.
MOMENT = {
    "calls": "observed_at",
    "search_hits": "observed_at",
    "note_metrics": "observed_at",
    "author_metrics": "observed_at",
    "notes": "first_seen_at",
    "authors": "first_seen_at",
}
KEY = {"notes": "note_id", "authors": "author_id"}
JOB = f'{jobs.DEMO.read_text()}\n[output]\npartition = "year"\nkeep_snapshots = 60\n'


def with_duckdb(folder, table, columns):
    path = f"{folder}/{table}/**/*.parquet"
    found = duckdb.sql(f"SELECT {', '.join(columns)} FROM read_parquet('{path}', hive_partitioning = true)")
    return found.to_arrow_table().to_pydict()


def with_polars(folder, table, columns):
    return pl.scan_parquet(f"{folder}/{table}", hive_partitioning=True).select(columns).collect().to_dict(as_series=False)


def with_pandas(folder, table, columns):
    return pd.read_parquet(f"{folder}/{table}", columns=columns).to_dict("list")


READERS = [with_duckdb, with_polars, with_pandas]


def see(read, folder):
    """Reads one snapshot: the latest call, how many rows each table has, and how many ids."""
    seen = {"rows": {}, "ids": {}}
    for table, moment in MOMENT.items():
        rows = read(folder, table, [moment] + ([KEY[table]] if table in KEY else []))
        times = [time.timestamp() for time in rows[moment]]
        seen["rows"][table] = len(times)
        if table == "calls":
            seen["until"] = max(times, default=0)
        if table in KEY:
            seen["ids"][table] = len(set(rows[KEY[table]]))
    return seen


def loop(read, latest, out, stop):
    """Reads until it is told to stop; keeps what it saw of each snapshot, and how often it read."""
    seen, reads = {}, 0
    while not stop.is_set() or reads == 0:
        folder = os.path.realpath(latest)
        found = see(read, folder)
        reads += 1
        if seen.setdefault(folder, found) != found:
            raise AssertionError(f"{folder} changed under `{read.__name__}`")
    Path(out).write_text(json.dumps({"reads": reads, "seen": list(seen.values())}))


def split(archive, into):
    """Writes each answer of an archive as a segment of its own, in the order in which they came.

    The sandbox's clock stands still. So that each answer has a moment of its own, its place becomes its moment: these are
    segments of the first version, which had neither places nor checksums of their rows.
    """
    rows = [pq.read_table(path) for path in sorted(archive.glob("*.parquet"))]
    answers = sorted((table.slice(at, 1) for table in rows for at in range(table.num_rows)), key=came)
    for number, answer in enumerate(answers, 1):
        moment = answer.schema.field("observed_at")
        moments = answer["sequence"].cast(moment.type)
        answer = answer.set_column(answer.schema.get_field_index("observed_at"), moment, moments)
        answer = answer.drop_columns(["sequence", "row_checksum"])
        body = answer["body"][0].as_py()
        sha256 = None if body is None else hashlib.sha256(body.encode()).hexdigest()
        answer = answer.append_column("body_sha256", pa.array([sha256], pa.string()))
        pq.write_table(answer, into / f"{answer['run_id'][0].as_py()}-{number}.parquet", compression="zstd")
    return sorted(into.iterdir(), key=lambda path: int(path.stem.rsplit("-", 1)[1]))


def came(answer):
    return answer["sequence"][0].as_py()


def build(binary, job, folder, kill_after=None):
    """Builds; returns whether it was killed."""
    command = [str(binary), "build", str(job), "--dataset", str(folder), "-q"]
    process = subprocess.Popen(command, cwd=jobs.ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        _, told = process.communicate(timeout=kill_after)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return True
    assert process.returncode == 0, f"a build ended with exit code {process.returncode}: {told.decode()}"
    return False


def check(check, binary):
    draws = random.Random(4)
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="notemill-refresh-") as home:
        home = Path(home)
        job, whole, folder = home / "refresh.toml", home / "whole", home / "data"
        job.write_text(JOB)
        jobs.notemill(binary, "run", job, "--sandbox", "--dataset", whole)
        (home / "segments").mkdir()
        segments = split(whole / "archive", home / "segments")
        assert len(segments) >= BUILDS, f"{len(segments)} answers are too few for {BUILDS} builds"
        (folder / "archive").mkdir(parents=True)
        # What is left over comes with the first build.
        first = len(segments) - BUILDS + 1
        for segment in segments[:first]:
            shutil.copy(segment, folder / "archive")
        begun = time.monotonic()
        build(binary, job, folder)
        took = time.monotonic() - begun

        stop = context.Event()
        outs = [home / f"{read.__name__}.json" for read in READERS]
        readers = [context.Process(target=loop, args=(read, str(folder / "latest"), str(out), stop)) for read, out in zip(READERS, outs)]
        for reader in readers:
            reader.start()
        kills = 0
        for segment in segments[first:]:
            staged = folder / "archive" / f".tmp-{segment.name}"
            shutil.copy(segment, staged)
            staged.rename(folder / "archive" / segment.name)
            if draws.random() < 0.5:
                kills += build(binary, job, folder, kill_after=draws.uniform(0, 1.2 * took))
            build(binary, job, folder)
        stop.set()
        for reader in readers:
            reader.join(120)
            check.equal(reader.exitcode, 0, "how a reader ended")
        hold(check, folder / "latest", outs)
        jobs.notemill(binary, "verify", job, "--dataset", folder)
        once = home / "once"
        shutil.copytree(home / "segments", once / "archive")
        build(binary, job, once)
        same = [json.loads((data / "latest" / "manifest.json").read_text())["tables"] for data in (once, folder)]
        check.equal(same[1], same[0], "the tables after 200 builds, and those of one")
        reads = [json.loads(out.read_text())["reads"] for out in outs]
        print(f"refresh: {BUILDS} builds, {kills} kills, {sum(reads)} reads beside them", flush=True)


def hold(check, latest, outs):
    """Holds everything that was seen against the last snapshot's rows."""
    final = {table: with_duckdb(os.path.realpath(latest), table, [moment]) for table, moment in MOMENT.items()}
    times = {table: sorted(time.timestamp() for time in final[table][moment]) for table, moment in MOMENT.items()}
    for out in outs:
        told = json.loads(out.read_text())
        check(len(told["seen"]) > 5, f"{out.name}: only {len(told['seen'])} snapshots were seen")
        for seen in told["seen"]:
            expected = {table: sum(time <= seen["until"] for time in all) for table, all in times.items()}
            check.equal(seen["rows"], expected, f"{out.stem}: rows of the first {expected['calls']} answers")
            check.equal(seen["ids"], {table: expected[table] for table in KEY}, f"{out.stem}: ids")
