"""The Python environment that holds the peers; made once, and again when the requirements change."""

import shutil
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("requirements.txt")


def python(folder):
    """Returns the environment's Python; makes the environment first where it is missing."""
    python, made_from = folder / "bin" / "python", folder / "made-from.txt"
    wanted = f"{sys.version}\n{REQUIREMENTS.read_text()}"
    if not made_from.is_file() or made_from.read_text() != wanted:
        print(f"installing the peers into {folder}", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        # Debian's Python lacks what puts pip into an environment; the pip at hand fills it from outside.
        run(sys.executable, "-m", "venv", "--without-pip", folder)
        pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
        run(*pip, "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--requirement", REQUIREMENTS)
        made_from.write_text(wanted)
    return python


def run(*command):
    done = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        sys.exit(f"`{' '.join(str(part) for part in command)}` failed with exit code {done.returncode}")
