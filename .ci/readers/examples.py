"""What the README shows is what its code says: after the first night, and after nights on which the tables have grown."""

import contextlib
import io
import os
import re
import shutil
import tempfile
import zipfile
from pathlib import Path

import duckdb

import jobs

READMES = ["README.md", "README.zh-CN.md"]
NIGHTS = [0, 1, 2]


def check(check, binary):
    with tempfile.TemporaryDirectory(prefix="notemill-readers-") as home:
        shutil.copytree(jobs.ROOT / "jobs", Path(home) / "jobs")
        for night in NIGHTS:
            folder = Path(home) / "data" / "demo"
            job = Path(home) / "jobs" / "demo.toml"
            jobs.notemill(binary, "run", job, "--sandbox", "--day", night, "--dataset", folder)
            with contextlib.chdir(home):
                for readme in READMES:
                    sql(check, readme, night)
                    python(check, readme, night)


def blocks(readme, language):
    """The fenced blocks of one language, each with the plain block that shows its output, if one follows."""
    text = (jobs.ROOT / readme).read_text()
    found = re.findall(rf"```{language}\n(.*?)```\n(?:\n```text\n(.*?)```)?", text, re.DOTALL)
    assert found, f"{readme} shows no {language}"
    return found


def sql(check, readme, night):
    for query, _ in blocks(readme, "sql"):
        query = re.sub(r"LIMIT \d+", "", query)
        rows = duckdb.sql(query).fetchall()
        check(len(rows) >= 3, f"{readme}, night {night}: the query finds {len(rows)} rows")
        places = [row[:2] for row in rows]
        check.equal(len(set(places)), len(places), f"{readme}, night {night}: places of a search, each once")
    if night == 0 and readme == READMES[0]:
        (query, shown), *_ = blocks(readme, "sql")
        told = [[cell.strip() for cell in line.split("│")[1:-1]] for line in shown.splitlines() if line.startswith("│")]
        rows = [[str(cell) for cell in row] for row in duckdb.sql(query).fetchall()]
        check.equal(rows, told[2:], f"{readme}: what the query shows")


def python(check, readme, night):
    names, said = {}, io.StringIO()
    with contextlib.redirect_stdout(said):
        for code, _ in blocks(readme, "python"):
            exec(code, names)
    shown = "".join(shown for _, shown in blocks(readme, "python"))
    if night == 0 and shown:
        check.equal(said.getvalue().strip(), shown.strip(), f"{readme}: what pandas shows")
    with zipfile.ZipFile("notes.xlsx") as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    check.equal(sheet.count("<row "), len(names["notes"]) + 1, f"{readme}, night {night}: rows of the Excel file")
    check("<f>" not in sheet, f"{readme}: a text became a formula")
    os.remove("notes.xlsx")
