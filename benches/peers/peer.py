"""What the peers share: where to read, where to write, and how many threads there are."""

import os
import shutil
import sys
from pathlib import Path


def places():
    """Returns the segments of the dataset that the command line names, and an empty folder for the tables."""
    dataset, out = Path(sys.argv[1]), Path(sys.argv[2])
    shutil.rmtree(out, ignore_errors=True)
    for table in ("notes", "note_images", "note_hashtags"):
        (out / table).mkdir(parents=True)
    return str(dataset / "archive" / "*.parquet"), out


def threads():
    return len(os.sched_getaffinity(0))
