"""Fills `page.md`: no figure stands on the page that was not measured just now."""

import re
from pathlib import Path

from rows import PEERS

TEMPLATE = Path(__file__).with_name("page.md")
# Longer names of functions are cut.
LONGEST = 100


def page(bench, facts, versions, measured, load_after):
    """Returns the page: the sections of what was measured, in the order of the template."""
    sections = re.split(r"<!-- (\w+) -->\n", TEMPLATE.read_text())[1:]
    parts = []
    for name, text in zip(sections[::2], sections[1::2]):
        if name == "machine":
            parts.append(text.format(**machine(bench, facts, versions, load_after)))
        elif name in measured:
            parts.append(text.format(**VALUES[name](bench, measured[name])))
    return "\n\n".join(part.strip() for part in parts) + "\n"


def table(head, rows):
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return "\n".join(lines + [f"| {' | '.join(map(str, row))} |" for row in rows])


def megabytes(size):
    return f"{size / 1e6:,.{1 if size < 1e8 else 0}f} MB"


def machine(bench, facts, versions, load_after):
    rows = [(name, facts[name]) for name in ("date", "processor", "cores", "memory", "system")]
    # One program runs at a time, and beside it at most the provider.
    is_idle = facts["load"] < 0.5 and load_after < 2.0
    options = f" --details {bench.details} --rounds {bench.rounds}" + " --large" * bench.large
    return {
        "options": options,
        "machine": table(("", ""), rows + list(versions.items())),
        "rounds": f"{bench.rounds} rounds" if bench.rounds > 1 else "one round",
        "idle": "Nothing else ran on the machine."
        if is_idle
        else f"**The machine was not idle**: its load was {facts['load']:.1f} before the measurement began, and "
        f"{load_after:.1f} when it ended.\nTimes are too long, wall more than CPU; ratios are of use all the same.",
    }


def build(bench, result):
    contenders, compared = result
    ours = contenders[0].cpu()
    rows = []
    for one in contenders:
        net, gross = f"{one.cpu():.2f}", f"{one.all_cpu():.2f}"
        against, spread = f"{one.cpu() / ours:.2f}×", f"{one.spread():.0%}"
        rows.append((one.name, net, against, gross, spread, megabytes(one.peak()), same_rows(compared, one.name)))
    columns = [
        f"- {len(told['columns'])} of {told['of']} columns of `{name}`, {told['digests']['latest'][0]:,} rows"
        for name, told in compared.items()
    ]
    head = ("program", "CPU s, net", "against notemill", "CPU s, gross", "range", "peak memory", "same rows")
    return {"details": f"{bench.details:,}", "table": table(head, rows), "columns": "\n".join(columns)}


def same_rows(compared, name):
    if name not in PEERS:
        return "–"
    folder = name.split()[0]
    others = [table for table, told in compared.items() if told["digests"][folder] != told["digests"]["latest"]]
    return f"no: {', '.join(others)}" if others else "yes"


def new(bench, contenders):
    full = contenders[0].all_cpu()
    rows = [
        (one.name, f"{one.all_cpu():.2f}", f"{one.all_cpu() / full:.0%}", megabytes(one.peak())) for one in contenders
    ]
    head = ("build", "CPU s", "of a build from scratch", "peak memory")
    return {"more": f"{bench.details // 100:,}", "details": f"{bench.details:,}", "table": table(head, rows)}


def threads(_, contenders):
    first = contenders[0].wall()
    rows = [(one.name, f"{one.wall():.2f}", f"{first / one.wall():.2f}×", f"{one.all_cpu():.2f}") for one in contenders]
    return {"table": table(("", "wall s", "speed", "CPU s"), rows)}


def memory(_, sizes):
    rows = [
        (f"{size:,}", megabytes(one.peak()), f"{one.cpu():.2f}", f"{one.cpu() / size * 1e6:.0f}") for size, one in sizes
    ]
    return {"table": table(("details", "peak memory", "CPU s, net", "µs a detail"), rows)}


def archive(_, told):
    stream = told["stream"]
    rows = [
        ("all bodies, plain", megabytes(told["raw"]), f"{told['raw'] / stream:.2f}×"),
        ("all bodies as one stream, `zstd -3`", megabytes(stream), "1.00×"),
        ("the archive's column of bodies", megabytes(told["body_column"]), f"{told['body_column'] / stream:.2f}×"),
        (f"the archive, {told['segments']} segments", megabytes(told["archive"]), f"{told['archive'] / stream:.2f}×"),
    ]
    return {"answers": f"{told['answers']:,}", "table": table(("", "size", "against one stream"), rows)}


def crawl(_, measured):
    rows = []
    for told in measured:
        most = told["concurrency"] / told["latency"]
        for name, one in (("notemill", told["notemill"]), ("floor: bare sockets", told["bare"])):
            row = (name, f"{told['latency'] * 1000:.0f} ms", told["concurrency"], f"{told['calls']:,}")
            rows.append((*row, f"{one['rate']:.0f}", f"{one['rate'] / most:.2f}", f"{one['cpu'] * 1e6:.0f}"))
    head = ("program", "latency", "C", "calls", "calls a second", "of C / latency", "µs of CPU a call")
    return {"table": table(head, rows)}


def profile(_, lines):
    if not lines:
        return {"profile": "No profile was taken: `perf` does not work on this machine."}
    kernel = sum(share for share, place, _ in lines if place.startswith("kernel"))
    own = [line for line in lines if not line[1].startswith("kernel")]
    own.sort(key=lambda line: -line[0])
    rows = [("the kernel", "", f"{kernel:.1f}%")]
    rows += [(f"`{shorter(name)}`", place, f"{share:.1f}%") for share, place, name in own[:25]]
    about = (
        "A build from scratch, sampled by `perf` 499 times a second: the functions in which most samples fell,\n"
        "without those that they call."
    )
    return {"profile": f"{about}\n\n{table(('function', 'in', 'samples'), rows)}"}


def shorter(name):
    name = name.replace("|", "\\|")
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


VALUES = {
    "build": build,
    "new": new,
    "threads": threads,
    "memory": memory,
    "archive": archive,
    "crawl": crawl,
    "profile": profile,
}
