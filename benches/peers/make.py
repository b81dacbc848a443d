"""Makes datasets by crawling the provider on this machine, so that their archives are what a crawl leaves.

`python3 make.py --binary notemill --details 50000 --folder data` makes `data/50000/dataset` unless it is there.
"""

import argparse
import contextlib
import functools
import hashlib
import json
import os
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import bodies

HERE = Path(__file__).parent
SEED = 20_261_126
# What a build leaves beside the answers.
TABLES = [".cache", "snapshots", "latest", "latest.json"]
# One in so many details is asked twice, so that there is something to merge.
REPEATED = 50


@contextlib.contextmanager
def provider(latency=0.0, prepare=None):
    """Runs the provider on the last core; yields its address."""
    words = [sys.executable, str(HERE / "provider.py"), "--latency", str(latency)]
    words += ["--prepare", str(prepare)] if prepare else []
    child = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    os.sched_setaffinity(child.pid, {max(os.sched_getaffinity(0))})
    try:
        yield f"http://127.0.0.1:{int(child.stdout.readline())}"
    finally:
        child.terminate()
        child.wait()


def stats(address):
    with urllib.request.urlopen(f"{address}/stats") as answer:
        return json.load(answer)


def write_job(path, dataset, ids, address, concurrency=64, details="forever"):
    """Writes a job that asks for these notes and for nothing else."""
    ids_file = path.with_suffix(".ids.txt")
    ids_file.write_text("\n".join(ids) + "\n")
    path.write_text(
        f'dataset = "{dataset}"\n[[seeds]]\nnotes_file = "{ids_file.name}"\n[expand]\nauthors = false\n'
        f'[refresh]\ndetails = "{details}"\n[vendors.justoneapi]\nbase_url = "{address}"\nconcurrency = {concurrency}\n'
    )
    return path


def environment():
    return os.environ | {"JUSTONEAPI_TOKEN": "no-key-is-needed-here"}


def run(binary, *words):
    done = subprocess.run([binary, "--quiet", *map(str, words)], env=environment(), stdout=subprocess.DEVNULL)
    if done.returncode != 0:
        sys.exit(f"`notemill {' '.join(map(str, words))}` ended with exit code {done.returncode}")


def crawl(binary, folder, dataset, ids, name, details="forever"):
    with provider() as address:
        run(binary, "run", write_job(folder / f"{name}.toml", dataset, ids, address, details=details))


@functools.cache
def stamp(binary):
    return hashlib.sha256(Path(binary).read_bytes()).hexdigest()


def is_made(mark, binary):
    """Tells whether something was made, and by the same program: another one may keep and remember other things."""
    return mark.exists() and mark.read_text() == stamp(binary)


def base(binary, folder, details):
    """Makes a dataset of so many notes, built once."""
    folder = folder / str(details)
    dataset = folder / "dataset"
    if not is_made(folder / "made", binary):
        print(f"making a dataset of {details} details", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        ids = bodies.ids(details, SEED)
        crawl(binary, folder, dataset, ids, "job")
        if details >= REPEATED:
            crawl(binary, folder, dataset, ids[::REPEATED], "repeated", details="always")
        (folder / "made").write_text(stamp(binary))
    return dataset


def grown(binary, folder, details, name, first=bodies.FIRST, span=bodies.SPAN):
    """Makes a copy of a dataset with 1% more notes in its archive that its tables do not know yet."""
    source = base(binary, folder, details)
    dataset, mark = source.parent / name, source.parent / f"made-{name}"
    if not is_made(mark, binary):
        shutil.rmtree(dataset, ignore_errors=True)
        shutil.copytree(source, dataset, symlinks=True)
        before = source.parent / f"before-{name}"
        keep_tables(dataset, before)
        crawl(binary, source.parent, dataset, bodies.ids(max(details // 100, 1), name, first, span), name)
        mark.write_text(stamp(binary))
    return dataset, source.parent / f"before-{name}"


def keep_tables(dataset, kept):
    """Keeps what builds have made until now."""
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir()
    copy_tables(dataset, kept)


def copy_tables(source, target):
    for name in TABLES:
        place = target / name
        if place.is_symlink() or place.is_file():
            place.unlink()
        elif place.is_dir():
            shutil.rmtree(place)
        if (source / name).is_symlink() or (source / name).is_file():
            shutil.copy2(source / name, place, follow_symlinks=False)
        elif (source / name).is_dir():
            shutil.copytree(source / name, place, symlinks=True)


def spread(binary, folder, details):
    return grown(binary, folder, details, "spread")


def newest(binary, folder, details):
    """1% more, all of the last 30 days."""
    month = 30 * 86_400
    return grown(binary, folder, details, "newest", bodies.FIRST + bodies.SPAN - month, month)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--details", type=int, default=50_000)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    where = options.binary.resolve(), options.folder.resolve(), options.details
    print(base(*where), *spread(*where), *newest(*where))
