"""A `ports.papers.PaperMaker`: hands the paper to a child process and takes a PDF back.

The texts come from inhabitants and devices; the setter is a large native library. So it runs apart,
with limits of memory, processor and time, without network names in its environment.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from typing import Any

from beffroi.model.limits import (
    PAPER_BYTES_MAX,
    PAPER_CPU_S_MAX,
    PAPER_LINES_MAX,
    PAPER_PROCESS_BYTES_MAX,
    PAPER_WALL_S_MAX,
)
from beffroi.ports.papers import Paper, PaperError, PaperSection

MAGIC = b"%PDF-"


class TypstPapers:
    """Each call is a process of its own."""

    def make(self, paper: Paper) -> bytes:
        job = json.dumps(as_json(paper), ensure_ascii=False).encode()
        limits = [str(PAPER_PROCESS_BYTES_MAX), str(PAPER_CPU_S_MAX)]
        command = [sys.executable, "-m", "beffroi.adapters.pdf.child", *limits]
        path = os.environ.get("PATH", "")
        # Its files are ours to remove: a child that is killed removes none, and they tell much.
        with tempfile.TemporaryDirectory(prefix="beffroi-paper-") as folder:
            try:
                done = subprocess.run(
                    command,
                    input=job,
                    capture_output=True,
                    timeout=PAPER_WALL_S_MAX,
                    check=False,
                    env={"PATH": path, "LANG": "C.UTF-8", "TMPDIR": folder},
                )
            except subprocess.TimeoutExpired:
                raise PaperError(
                    f"the paper took more than {PAPER_WALL_S_MAX} s: choose a shorter period"
                ) from None
        if done.returncode != 0 or not done.stdout.startswith(MAGIC):
            why = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
            raise PaperError(f"the paper could not be set: {' '.join(why)[:300] or 'no reason'}")
        if len(done.stdout) > PAPER_BYTES_MAX:
            raise PaperError("the paper is too large: choose a shorter period")
        return done.stdout


def as_json(paper: Paper) -> dict[str, Any]:
    """At most PAPER_LINES_MAX lines; how many were left out is said in the section."""
    left = PAPER_LINES_MAX
    found = asdict(paper)
    sections = []
    for section in paper.sections:
        kept = _cut(section, left)
        left -= len(kept["lines"])
        sections.append(kept)
    found["sections"] = sections
    for attachment in found["attachments"]:
        attachment["content"] = base64.b64encode(attachment["content"]).decode()
    return found


def _cut(section: PaperSection, left: int) -> dict[str, Any]:
    found = asdict(section)
    over = len(section.lines) - max(0, left)
    if over > 0:
        found["lines"] = found["lines"][: max(0, left)]
        found["note"] = (
            f"{section.note} {over} lignes de plus : choisissez une période plus courte."
        )
    return found
