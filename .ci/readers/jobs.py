"""Jobs, and the datasets that notemill makes of them."""

import contextlib
import json
import os
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import vendor

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "jobs" / "demo.toml"


@dataclass(frozen=True)
class Job:
    """A job, how often it runs, and how its notes are partitioned."""

    name: str
    text: str | None  # None: the demo as it stands
    partition: str
    runs: tuple = ((),)  # the arguments of each run
    expires: bool = False  # raw answers go in the end
    timeless: bool = False  # made of the made-up vendor's notes, not in the sandbox


@dataclass(frozen=True)
class Table:
    """A table as the data dictionary and the manifest tell it."""

    name: str
    columns: dict  # name → type, in order
    nullable: dict
    descriptions: dict
    sorted_by: list
    partition: str | None  # the column that the folders make
    rows: int
    files: list


@dataclass(frozen=True)
class Dataset:
    job: Job
    folder: Path
    manifest: dict
    tables: list = field(default_factory=list)

    @property
    def latest(self):
        return self.folder / "latest"

    def path(self, table):
        return str(self.latest / table.name)


def small(partition, more=""):
    return f'{DEMO.read_text()}\n[output]\npartition = "{partition}"\n{more}'


def timeless(partition, zone="Asia/Shanghai"):
    return (
        '[expand]\ndetails = false\nauthors = false\n[[seeds]]\nkeywords = ["露营"]\nmax_pages = 1\n'
        '[vendors.justoneapi]\nbase_url = "{address}"\ntoken_env = "NOTEMILL_READERS"\n'
        f'[output]\npartition = "{partition}"\ntime_zone = "{zone}"\n'
    )


NIGHTS = """[[seeds]]
keywords = ["露营", "防晒霜"]
max_pages = 2
max_notes = 25
[refresh]
details = "1d"
authors = "2d"
[budget]
max_calls = 2000
"""

ODD = (
    timeless("month").replace("details = false", "details = true")
    + '[refresh]\ndetails = "0s"\n[[seeds]]\nnotes = ["51e0000000000000000000aa"]\n'
)

JOBS = [
    Job("month", None, "month", runs=((), ())),
    Job("year", small("year", 'compression = "snappy"\n'), "year"),
    Job("day", small("day"), "day"),
    Job("none", small("none", 'compression = "none"\n'), "none"),
    # Listings alone: columns that only details fill are null in every row.
    Job("listed", '[expand]\ndetails = false\nauthors = false\n[[seeds]]\nkeywords = ["露营"]\nmax_pages = 1\n', "month"),
    # A note that is gone: a row whose counts are all null.
    Job("gone", '[[seeds]]\nnotes = ["65a0b0c0000000000f000000"]\n', "month"),
    # Notes of which nothing tells a time: no folder may be without a date, or pandas and pyarrow read none of them.
    Job("timeless", timeless("month"), "month", timeless=True),
    Job("timeless-year", timeless("year", "Europe/London"), "year", timeless=True),
    Job("timeless-day", timeless("day", "UTC"), "day", timeless=True),
    # Another zone, which has summer time.
    Job("zone", small("day", 'time_zone = "America/New_York"\n'), "day"),
    # Nights on which counts change, notes go, and lists are longer than the limit.
    Job("nights", NIGHTS, "month", runs=tuple(("--day", day) for day in (0, 1, 3, 8, 30)), expires=True),
    # Rounded counts, values that cannot be read, and a note of which three runs get nothing.
    Job("odd", ODD, "month", runs=(("--partial-ok",),) * 4, timeless=True, expires=True),
    # A user whom nobody knows: every table but the calls is empty.
    Job("nothing", '[[seeds]]\nusers = ["ffffffffffffffffffffffff"]\n', "month"),
]

PUBLISHED = {"none": None, "year": "published_year", "month": "published_month", "day": "published_date"}


@contextlib.contextmanager
def crawled(binary, job):
    """Runs a job in the sandbox or against the made-up vendor, builds once more, and yields its dataset."""
    with tempfile.TemporaryDirectory(prefix="notemill-readers-") as home, vendor.serving() as address:
        path = DEMO
        if job.text is not None:
            path = Path(home) / f"{job.name}.toml"
            path.write_text(job.text.replace("{address}", address))
        folder = Path(home) / "data"
        for arguments in job.runs:
            notemill(binary, "run", path, *([] if job.timeless else ["--sandbox"]), "--dataset", folder, *arguments)
        published = json.loads((folder / "latest.json").read_text())["snapshot"]
        notemill(binary, "build", path, "--dataset", folder)
        if job.expires:
            path.write_text(path.read_text() + '[archive]\nretain = "none"\n')
            notemill(binary, "build", path, "--dataset", folder)
        manifest = json.loads((folder / "latest" / "manifest.json").read_text())
        assert manifest["snapshot"] == published, "a build of the same answers published a new snapshot"
        dictionary = json.loads(notemill(binary, "schema", "tables", "--format", "json"))
        yield Dataset(job, folder, manifest, [table(told, manifest, job) for told in dictionary])


def table(told, manifest, job):
    entry = manifest["tables"].get(told["name"])
    assert entry is not None, f"the manifest does not name the table `{told['name']}`"
    by = told["partitioned_by"] or ""
    partition = None
    if by.startswith("when the note was published"):
        partition = PUBLISHED[job.partition]
    elif by:
        assert by.startswith("the date of the answer"), f"`{told['name']}` is partitioned by {by}"
        partition = "observed_date"
    columns = told["columns"]
    return Table(
        name=told["name"],
        columns={column["name"]: column["type"] for column in columns},
        nullable={column["name"]: column["nullable"] for column in columns},
        descriptions={column["name"]: column["description"] for column in columns},
        sorted_by=told["sorted_by"],
        partition=partition,
        rows=entry["rows"],
        files=entry["files"],
    )


def notemill(binary, *arguments):
    """Runs notemill and returns its standard output."""
    command = [str(binary), *map(str, arguments)]
    # These runs are no news for the page that a CI job shows, and their vendor is on this machine.
    other = {"GITHUB_STEP_SUMMARY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"}
    surroundings = {name: value for name, value in os.environ.items() if name not in other}
    surroundings["NOTEMILL_READERS"] = "made-up"
    done = subprocess.run(
        command, cwd=ROOT, env=surroundings, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300
    )
    words = " ".join(command[1:])
    assert done.returncode == 0, f"`notemill {words}` ended with exit code {done.returncode}:\n{done.stderr}"
    return done.stdout
