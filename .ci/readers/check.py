"""Tries datasets of the sandbox with every reader that the documentation names.

    python3 .ci/readers/check.py target/debug/notemill

Stops at the first difference. The readers are installed into an environment under the target folder.
"""

import sys
from pathlib import Path

import environment


class Tally:
    """Counts what was checked."""

    def __init__(self):
        self.passed = 0

    def __call__(self, holds, message):
        """Counts a check; raises its message where it does not hold."""
        if not holds:
            raise AssertionError(message() if callable(message) else message)
        self.passed += 1

    def equal(self, found, expected, what):
        self(found == expected, lambda: f"{what}:\n  found    {found!r}\n  expected {expected!r}")


def main(binary):
    import examples
    import jobs
    import layout
    import observations
    import refresh
    import relations
    import rows

    check = Tally()
    failed = 0
    where = "before the first dataset"
    try:
        for job in jobs.JOBS:
            where = f"dataset `{job.name}`"
            with jobs.crawled(binary, job) as dataset:
                layout.check(check, dataset)
                for table in dataset.tables:
                    where = f"dataset `{job.name}`, table `{table.name}`"
                    rows.check(check, dataset, table)
                where = f"dataset `{job.name}`"
                relations.check(check, dataset)
                observations.check(check, dataset)
                print(f"{job.name}: {check.passed} checks so far", flush=True)
        where = "the README's examples"
        examples.check(check, binary)
        where = "a dataset that is built beside readers"
        refresh.check(check, binary)
    except Exception as error:
        # Whatever is raised is a difference: a reader that gives up, or a run that fails.
        failed = 1
        kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
        print(f"{where}: {kind}{error}", flush=True)
    print(f"{check.passed} passed, {failed} failed")
    return failed


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_file():
        sys.exit("usage: check.py PATH-OF-NOTEMILL (`cargo build` makes target/debug/notemill)")
    given = Path(sys.argv[1]).resolve()
    environment.enter(given.parent.parent / "ci" / "readers")
    sys.exit(main(given))
