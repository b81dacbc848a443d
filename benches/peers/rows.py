"""What is measured: one function a row of the report. Each takes the bench and returns what it measured."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import bodies
import make
from measure import Contender, take_turns, used

HERE = Path(__file__).parent
PEERS = {
    "chDB": "chdb_peer.py",
    "DuckDB": "duckdb_peer.py",
    "polars": "polars_peer.py",
    "msgspec + pyarrow": "msgspec_peer.py",
    "json + pyarrow loop": "json_peer.py",
}
FLOORS = {"floor: reading the bodies": "floor_read.py", "floor: writing the tables": "floor_write.py"}


@dataclass
class Bench:
    """Where everything is, and how much of it there is."""

    binary: Path
    python: Path
    folder: Path
    details: int
    rounds: int
    large: bool

    @property
    def data(self):
        return self.folder / "data"

    def dataset(self, details=None):
        return make.base(self.binary, self.data, details or self.details)

    def out(self, name):
        return self.folder / "out" / name.split()[0]

    def build(self, dataset, *flags):
        return [self.binary, "--quiet", "build", *flags, dataset]

    def peer(self, name, script, dataset):
        return [self.python, "-B", HERE / script, dataset, self.out(name)]

    def told(self, script, *words):
        """Runs a script that prints a line of JSON."""
        command = [str(word) for word in (self.python, "-B", HERE / script, *words)]
        return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def without_tables(dataset):
    """Takes away all that builds have made, so that the next one has nothing to go on."""

    def clear():
        for name in make.TABLES:
            place = dataset / name
            if place.is_dir() and not place.is_symlink():
                shutil.rmtree(place)
            else:
                place.unlink(missing_ok=True)

    return clear


def from_scratch(bench, details=None, name="notemill", cores=1):
    dataset, tiny = bench.dataset(details), bench.dataset(1)
    flags = ["--from-scratch"]
    return Contender(name, bench.build(dataset, *flags), bench.build(tiny, *flags), without_tables(dataset), cores)


def build_from_raw(bench):
    """All answers to all tables, against each peer on the same segments. A contender more is a row more."""
    dataset, tiny = bench.dataset(), bench.dataset(1)
    contenders = [from_scratch(bench)]
    for name, script in (PEERS | FLOORS).items():
        contenders.append(Contender(name, bench.peer(name, script, dataset), bench.peer(name, script, tiny)))
    # The floors read what notemill made, so it goes first.
    take_turns(contenders, bench.rounds)
    folders = [bench.out(name) for name in PEERS]
    return contenders, bench.told("compare.py", dataset / "latest", *folders)


def new_answers(bench):
    """1% more notes, or none, against the full build of the same dataset."""

    def grown(name, made):
        dataset, before = made(bench.binary, bench.data, bench.details)
        return dataset, Contender(name, bench.build(dataset), before=lambda: make.copy_tables(before, dataset))

    dataset, spread = grown("1% more, over all months", make.spread)
    _, newest = grown("1% more, of the newest month", make.newest)
    full = Contender("from scratch", bench.build(dataset, "--from-scratch"), before=without_tables(dataset))
    # It goes right after the build that learns the last of the answers.
    nothing = Contender("nothing new", bench.build(dataset))
    return take_turns([full, newest, spread, nothing], bench.rounds)


def two_threads(bench):
    """The wall time of a build on one core and on two."""
    one, two = from_scratch(bench, name="one core"), from_scratch(bench, name="two cores", cores=2)
    return take_turns([one, two], bench.rounds)


def memory(bench):
    """The peak of a build at several sizes."""
    sizes = [size for size in (10_000, 50_000) if size < bench.details] + [bench.details]
    sizes += [200_000] if bench.large and bench.details != 200_000 else []
    return [(size, take_turns([from_scratch(bench, size, f"{size:,} details")], 1)[0]) for size in sorted(sizes)]


def archive_size(bench):
    return bench.told("archive_size.py", bench.dataset())


def crawl(bench):
    """Runs against a provider that answers after 50 ms: calls a second, and what a call costs."""
    latency, measured = 0.05, []
    folder = bench.folder / "crawl"
    for concurrency in (8, 64):
        calls = min(max(100 * concurrency, 1_600), bench.details)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        ids = bodies.ids(calls, "crawl")
        prepared, dataset = folder / "prepared.txt", folder / "dataset"
        prepared.write_text("\n".join(ids))
        with make.provider(latency, prepared) as address:
            bare = bench.told("floor_crawl.py", prepared, address, concurrency)
        with make.provider(latency, prepared) as address:
            job = make.write_job(folder / "job.toml", dataset, ids, address, concurrency)
            run = used([bench.binary, "--quiet", "run", job], environment=make.environment())
            told = make.stats(address)
        without_tables(dataset)()
        build = used(bench.build(dataset, "--from-scratch"))
        if told["calls"] != calls:
            sys.exit(f"{told['calls']} calls arrived in place of {calls}")
        rate = calls / told["seconds"]
        print(f"  C = {concurrency}: {rate:.0f} calls a second", flush=True)
        told = {"rate": rate, "cpu": (run.cpu - build.cpu) / calls}
        measured.append({
            "concurrency": concurrency, "latency": latency, "calls": calls, "notemill": told, "bare": bare,
        })
    return measured


def profile(bench):
    """The functions in which a build spends its time, by `perf`; none where it does not work here."""
    dataset, kept = bench.dataset(), bench.folder / "perf.data"
    if not shutil.which("perf"):
        return None
    without_tables(dataset)()
    record = ["perf", "record", "--freq", "499", "--output", kept, *bench.build(dataset, "--from-scratch")]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    if subprocess.run([str(word) for word in record], **quiet).returncode != 0:
        return None
    words = ["perf", "report", "--input", str(kept), "--stdio", "--no-children", "--sort", "dso,symbol"]
    report = subprocess.run(words, capture_output=True, text=True).stdout
    line = re.compile(r" *([0-9.]+)% +(\S+) +\[.\] (.*?)(?:   .*)?")
    found = [line.fullmatch(text) for text in report.splitlines()]
    return [(float(told[1]), told[2].strip("[]"), told[3]) for told in found if told] or None
