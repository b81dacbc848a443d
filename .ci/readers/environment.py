"""The Python environment that holds the readers; made once, and again when the requirements change."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("requirements.txt")


def enter(folder):
    """Goes on inside the environment; returns there only."""
    if Path(sys.prefix).resolve() == folder.resolve():
        return
    python = folder / "bin" / "python"
    wanted = f"{sys.version}\n{REQUIREMENTS.read_text()}"
    made_from = folder / "made-from.txt"
    if not made_from.is_file() or made_from.read_text() != wanted:
        make(folder, python)
        made_from.write_text(wanted)
    os.execv(python, [str(python), "-B", *sys.argv])


def make(folder, python):
    print(f"installing the readers into {folder}", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    # Debian's Python lacks what puts pip into an environment; the pip at hand fills it from outside.
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
    run(*pip, "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--requirement", REQUIREMENTS)
    run(*pip, "check")


def run(*command):
    done = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        sys.exit(f"`{' '.join(str(part) for part in command)}` failed with exit code {done.returncode}")
