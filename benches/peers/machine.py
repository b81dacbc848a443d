"""Says what the figures were measured on, and with."""

import datetime
import os
import platform
import subprocess
from pathlib import Path


def told(*command):
    try:
        return subprocess.run([str(word) for word in command], capture_output=True, text=True).stdout.strip()
    except OSError:
        return ""


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"


def facts():
    """What is true before the measurement begins: the load is that of others."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "load": os.getloadavg()[0],
    }


def versions(binary, python, requirements):
    names = [line.split("==") for line in requirements.read_text().splitlines() if "==" in line]
    # The environment may be another than the one that is asked for.
    script = "import importlib.metadata as m, sys; print(*[m.version(name) for name in sys.argv[1:]])"
    found = told(python, "-c", script, *[name for name, _ in names]).split()
    peers = dict(zip([name for name, _ in names], found))
    commit = told("git", "-C", Path(__file__).parent, "describe", "--always", "--dirty", "--abbrev=10")
    own = told(binary, "--version")
    return {"notemill": f"{own.removeprefix('notemill ')} ({commit})", "Python": platform.python_version()} | peers
