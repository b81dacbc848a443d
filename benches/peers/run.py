"""Measures notemill against its peers and writes `docs/performance.md`.

    cargo build --release
    python3 benches/peers/run.py

`--details 2000 --rounds 1` is a try of a minute; a page that stands is then best written elsewhere: `--page FILE`.
"""

import argparse
import os
import sys
from pathlib import Path

sys.dont_write_bytecode = True

import environment  # noqa: E402
import machine  # noqa: E402
import report  # noqa: E402
import rows  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
ROWS = {
    "build": rows.build_from_raw,
    "new": rows.new_answers,
    "threads": rows.two_threads,
    "memory": rows.memory,
    "archive": rows.archive_size,
    "crawl": rows.crawl,
    "profile": rows.profile,
}


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--details", type=int, default=50_000, help="how many notes the dataset has")
    parser.add_argument("--rounds", type=int, default=3, help="how often each program goes")
    parser.add_argument("--large", action="store_true", help="also build 200,000 details")
    parser.add_argument("--only", nargs="+", choices=ROWS, help="these sections only")
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/notemill")
    parser.add_argument("--folder", type=Path, default=ROOT / "target/peers", help="for the data and the peers")
    parser.add_argument("--python", type=Path, help="a Python that has the peers already")
    parser.add_argument("--page", type=Path, default=ROOT / "docs/performance.md")
    return parser.parse_args()


def main():
    told = options()
    if not told.binary.is_file():
        sys.exit(f"`{told.binary}` is not there: `cargo build --release` makes it")
    facts = machine.facts()
    folder = told.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    python = told.python.absolute() if told.python else environment.python(folder / "venv")
    bench = rows.Bench(told.binary.resolve(), python, folder, told.details, told.rounds, told.large)
    # Before all else: who measures for a quarter of an hour may commit something meanwhile.
    versions = machine.versions(bench.binary, python, environment.REQUIREMENTS)
    measured = {}
    for name, row in ROWS.items():
        if not told.only or name in told.only:
            print(name, flush=True)
            measured[name] = row(bench)
    page = report.page(bench, facts, versions, measured, os.getloadavg()[0])
    told.page.write_text(page)
    print(page)
    print(f"written to {told.page}")


if __name__ == "__main__":
    main()
