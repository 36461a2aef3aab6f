"""The process that sets one paper: JSON in, PDF out, then it ends. Knows nothing of the hub.

It limits itself before it reads: address space, processor time, no core file, no files larger than
the paper may be. The template is the only file that it opens.
"""

from __future__ import annotations

import base64
import json
import resource
import sys
import tempfile
from pathlib import Path
from typing import Literal

TEMPLATE = Path(__file__).with_name("paper.typ")
FILE_BYTES_MAX = 128 * 1024 * 1024


def limit(memory_bytes: int, cpu_s: int) -> None:
    """From here on."""
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES_MAX, FILE_BYTES_MAX))


def main() -> None:
    limit(int(sys.argv[1]), int(sys.argv[2]))
    job = json.loads(sys.stdin.buffer.read())
    with tempfile.TemporaryDirectory(prefix="beffroi-paper-") as folder:
        pdf = compiled(job, Path(folder))
    sys.stdout.buffer.write(pdf)


def compiled(job: dict[str, object], folder: Path) -> bytes:
    """The PDF. Attachments become files beside the template: typst takes them from there."""
    import typst

    (folder / "paper.typ").write_bytes(TEMPLATE.read_bytes())
    attachments = job["attachments"]
    assert isinstance(attachments, list)  # noqa: S101 (our own parent wrote it)
    for number, one in enumerate(attachments):
        (folder / f"attached-{number}").write_bytes(base64.b64decode(one.pop("content")))
    (folder / "paper.json").write_text(json.dumps(job, ensure_ascii=False), encoding="utf-8")
    archive: Literal["a-3a", "a-2a"] = "a-3a" if attachments else "a-2a"  # A-2 holds no file
    return typst.compile(
        folder / "paper.typ",
        root=folder,
        format="pdf",
        ignore_system_fonts=True,
        pdf_standards=["ua-1", archive],
        pdf_tags=True,
    )


if __name__ == "__main__":
    main()
