"""Does a test turn red for every small change of the kernel?

For each module: one mutant at a time (another comparison, a number plus one, `and` for `or`, a
condition turned round, a check left out, arguments swapped), then tests/kernel until the first
failure. A survivor is a change that no test notices: kill it with a test, or explain it in
docs/kernel.md. Each mutant lives in a forked process; nothing is written into the source. The tests
are collected once; a mutant inside functions gets their code exchanged in the fork (milliseconds),
one outside of them is imported in the module's place (`--slow`: seconds).

    python bench/mutate.py [-j 2] [--only signers,bounds] [--list] [--out FILE]
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import copy
import importlib.abc
import importlib.util
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
KERNEL = ROOT / "src" / "beffroi" / "kernel"
TESTS = ROOT / "tests" / "kernel"
SKIPPED = {"__init__", "limits"}  # no code; numbers that the borders' tests repeat in words
TIMEOUT_S = 180
# The tests that know a module best come first: most mutants die there within a second.
NEAREST = {
    "canonical": ["canonical"],
    "keys": ["keys", "fields"],
    "note": ["logged"],
    "logged": ["logged", "rules"],
    "document": ["documents"],
    "envelope": ["fields", "documents"],
    "roster": ["fields", "documents"],
    "lease": ["fields", "documents"],
    "receipt": ["fields", "documents"],
    "command": ["fields", "documents"],
    "code": ["code"],
    "dsse": ["fields", "dsse"],
}
ORDER = ["rules", "fields", "documents", "logged", "keys", "dsse", "canonical", "code", "machines"]
COMPARISONS: dict[type[ast.cmpop], list[type[ast.cmpop]]] = {
    ast.Lt: [ast.LtE, ast.GtE],
    ast.LtE: [ast.Lt, ast.Gt],
    ast.Gt: [ast.GtE, ast.LtE],
    ast.GtE: [ast.Gt, ast.Lt],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
    ast.Is: [ast.IsNot],
    ast.IsNot: [ast.Is],
    ast.In: [ast.NotIn],
    ast.NotIn: [ast.In],
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.Pow: ast.Mult,
    ast.Mod: ast.Mult,
}
UNSWAPPED = {"must", "same"}  # its arguments have three types; it is symmetric
Edit = Callable[[ast.AST], None]


@dataclass(frozen=True)
class Mutant:
    """`number`-th edit of `module`; `says` what it is, with the line before and after."""

    module: str
    number: int
    line: int
    says: str
    inside: bool  # of a function


Work = Sequence[tuple[Mutant, str]]


def edits(tree: ast.Module) -> Iterator[tuple[ast.AST, str, Edit]]:
    """Every edit of a tree: the node, what is done, and how (on the same node of a copy)."""
    for node in walk(tree):
        yield from of_operators(node)
        yield from of_values(node)
        yield from of_flow(node)


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes but messages, which are for people, and decorators (test_fields looks at them)."""
    yield node
    for child in ast.iter_child_nodes(node):
        decorator = child in getattr(node, "decorator_list", [])
        if not decorator and not isinstance(child, ast.JoinedStr):
            yield from walk(child)


def of_operators(node: ast.AST) -> Iterator[tuple[ast.AST, str, Edit]]:
    if isinstance(node, ast.Compare):
        for at, op in enumerate(node.ops):
            for other in COMPARISONS[type(op)]:
                name = f"{type(op).__name__} -> {other.__name__}"
                yield node, name, lambda n, at=at, other=other: n.ops.__setitem__(at, other())
    if isinstance(node, ast.BoolOp):
        other_op = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield node, f"-> {other_op.__name__}", lambda n, o=other_op: setattr(n, "op", o())
        if len(node.values) > 1:
            for at in range(len(node.values)):
                yield node, f"without part {at}", lambda n, at=at: n.values.pop(at)
    if isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC and not of_types(node):
        other_bin = ARITHMETIC[type(node.op)]
        name = f"{type(node.op).__name__} -> {other_bin.__name__}"
        yield node, name, lambda n, o=other_bin: setattr(n, "op", o())
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node, "not left out", lambda n: setattr(n, "op", Same())


class Same(ast.UAdd):
    """Stands for no operator; `bool(x)` is written for it below."""


def of_types(node: ast.BinOp) -> bool:
    """`int | None` is a type."""
    if any(
        isinstance(part, ast.Constant) and part.value is None for part in (node.left, node.right)
    ):
        return True
    return isinstance(node.op, ast.BitOr) and not any(
        isinstance(part, ast.Constant | ast.BinOp | ast.Subscript) or name_of(part).startswith("_")
        for part in (node.left, node.right)
    )


def name_of(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def of_values(node: ast.AST) -> Iterator[tuple[ast.AST, str, Edit]]:
    if isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield node, f"-> {not node.value}", lambda n: setattr(n, "value", not n.value)
        elif isinstance(node.value, int):
            yield (
                node,
                f"{node.value} -> {node.value + 1}",
                lambda n: setattr(n, "value", n.value + 1),
            )
        elif isinstance(node.value, bytes):
            yield node, "bytes + x", lambda n: setattr(n, "value", n.value + b"x")
    if isinstance(node, ast.Call) and len(node.args) >= 2 and called(node) not in UNSWAPPED:
        for at in range(len(node.args) - 1):
            yield node, f"arguments {at}, {at + 1} swapped", lambda n, at=at: swap(n.args, at)
    if isinstance(node, ast.Slice):
        for side in ("lower", "upper"):
            if getattr(node, side) is not None:
                yield node, f"slice without {side}", lambda n, s=side: setattr(n, s, None)


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else name_of(node.func)


def swap(items: list[ast.expr], at: int) -> None:
    items[at], items[at + 1] = items[at + 1], items[at]


def of_flow(node: ast.AST) -> Iterator[tuple[ast.AST, str, Edit]]:
    if isinstance(node, ast.If | ast.IfExp | ast.While):
        for value in (True, False):
            yield (
                node,
                f"condition -> {value}",
                lambda n, v=value: setattr(n, "test", ast.Constant(v)),
            )
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield node, f"{name_of(node.value.func) or 'call'}(...) left out", gone


def gone(node: ast.AST) -> None:
    """A call whose value nobody takes becomes no call: `must(...)` above all."""
    setattr(node, "value", ast.Constant(None))  # noqa: B010 - of one kind of node only


def mutants(module: str) -> list[tuple[Mutant, str]]:
    """All mutants of a module, with their source."""
    text = (KERNEL / f"{module}.py").read_text()
    tree = ast.parse(text)
    nodes = list(ast.walk(tree))
    where = {id(node): number for number, node in enumerate(nodes)}
    plain = ast.unparse(tree)
    made: list[tuple[Mutant, str]] = []
    inner = {
        id(part)
        for node in nodes
        if isinstance(node, ast.FunctionDef)
        for line in node.body
        for part in ast.walk(line)
    }
    for node, says, edit in edits(tree):
        changed = copy.deepcopy(tree)
        twin = list(ast.walk(changed))[where[id(node)]]
        edit(twin)
        source = ast.unparse(ast.fix_missing_locations(Shape().visit(changed)))
        if source != plain:
            line = getattr(node, "lineno", 0)
            about = f"{says}: {ast.unparse(node).splitlines()[0][:90]}"
            made.append((Mutant(module, len(made), line, about, id(node) in inner), source))
    return made


class Shape(ast.NodeTransformer):
    """Makes a changed tree one that can be written."""

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, Same):
            return ast.Call(ast.Name("bool", ast.Load()), [node.operand], [])
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        self.generic_visit(node)
        return node.values[0] if len(node.values) == 1 else node


class Instead(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from another source."""

    def __init__(self, name: str, source: str, path: Path) -> None:
        self.name, self.source, self.path = name, source, path

    def find_spec(self, name: str, path: object, target: object = None) -> object:
        del path, target
        if name != self.name:
            return None
        return importlib.util.spec_from_file_location(name, self.path, loader=self)

    def create_module(self, spec: object) -> None:
        del spec

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.source, str(self.path), "exec"), module.__dict__)  # noqa: S102


def tests_for(module: str) -> tuple[list[str], list[str]]:
    """The files that know it best, and the others."""
    near = NEAREST.get(module, ["rules"])
    others = [one for one in ORDER if one not in near]
    if module in NEAREST:
        others.remove("machines")
    first, then = ([str(TESTS / f"test_{one}.py") for one in some] for some in (near, others))
    return first, then


def live(module: str, source: str) -> int:
    """In a child: pytest's answer with this source in the module's place."""
    import pytest
    from hypothesis import Phase, settings

    load = settings.load_profile
    settings.register_profile(
        "mutant", deadline=None, database=None, derandomize=True, max_examples=50,
        phases=(Phase.explicit, Phase.generate),
    )  # fmt: skip
    # tests/conftest.py loads its own profile; here failures need not be made small.
    type.__setattr__(settings, "load_profile", staticmethod(lambda _: load("mutant")))
    sys.meta_path.insert(0, Instead(f"beffroi.kernel.{module}", source, KERNEL / f"{module}.py"))
    for files in tests_for(module):
        code = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *files]))
        if code:
            return code
    return 0


def killed(module: str, source: str) -> str:
    """ "" for a survivor, else how it died."""
    pid = os.fork()
    if pid == 0:
        null = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        code = 70
        with contextlib.suppress(BaseException):
            code = live(module, source)
        os._exit(code)
    until = time.monotonic() + TIMEOUT_S
    while time.monotonic() < until:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            return "" if code == 0 else f"exit {code}"
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return "timeout"


def preload() -> None:
    """What every child needs and no mutant changes."""
    import cbor2  # noqa: F401
    import cryptography.hazmat.primitives.asymmetric.ec  # noqa: F401
    import hypothesis.stateful  # noqa: F401
    import pytest  # noqa: F401
    import securesystemslib.dsse
    import securesystemslib.signer  # noqa: F401

    assert not any(name.startswith("beffroi") for name in sys.modules)


def codes(code: CodeType) -> Iterator[CodeType]:
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield part
            yield from codes(part)


def functions(module: ModuleType) -> Iterator[FunctionType]:
    for thing in vars(module).values():
        if getattr(thing, "__module__", "") != module.__name__:
            continue
        inner = vars(thing).values() if isinstance(thing, type) else [thing]
        for one in inner:
            found = one.fget if isinstance(one, property) else one
            if isinstance(found, FunctionType):
                yield found


def exchange(module: str, source: str) -> None:
    """The code of every function becomes that of the mutant: who imported it has it too."""
    loaded = sys.modules[f"beffroi.kernel.{module}"]
    path = str(KERNEL / f"{module}.py")
    new = {code.co_qualname: code for code in codes(compile(source, path, "exec"))}
    for one in functions(loaded):
        code = new.get(one.__code__.co_qualname)
        if code is not None and code.co_freevars == one.__code__.co_freevars:
            one.__code__ = code


class Forks:
    """A pytest plugin: instead of one run of the tests, one for each mutant, in a fork."""

    def __init__(self, work: Work, jobs: int, tell: Callable[[Mutant, str], None]) -> None:
        self.work, self.jobs, self.tell = work, jobs, tell
        self.running: dict[int, tuple[Mutant, float]] = {}

    def pytest_runtestloop(self, session: Any) -> bool:
        for mutant, source in [*self.work]:
            while len(self.running) >= self.jobs:
                self.reap()
            pid = os.fork()
            if pid == 0:
                self.child(session, mutant, source)
            self.running[pid] = mutant, time.monotonic() + TIMEOUT_S
        while self.running:
            self.reap()
        return True

    def child(self, session: Any, mutant: Mutant, source: str) -> None:
        null = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        code = 70
        with contextlib.suppress(BaseException):
            exchange(mutant.module, source)
            for item in nearest_first(session.items, mutant.module):
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
                if session.testsfailed:
                    os._exit(1)
            code = 0
        os._exit(code)

    def reap(self) -> None:
        for pid, (mutant, until) in [*self.running.items()]:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                code = os.waitstatus_to_exitcode(status)
                self.tell(mutant, "" if code == 0 else f"exit {code}")
            elif time.monotonic() > until:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                self.tell(mutant, "timeout")
            else:
                continue
            del self.running[pid]
        time.sleep(0.01)


def nearest_first(items: Sequence[Any], module: str) -> list[Any]:
    first, then = ([Path(one).name for one in some] for some in tests_for(module))
    rank = {name: number for number, name in enumerate([*first, *then])}

    def order(item: Any) -> tuple[bool, int]:
        many = hasattr(getattr(item, "obj", None), "hypothesis")
        return many or item.path.name == "test_machines.py", rank[item.path.name]

    return sorted((item for item in items if item.path.name in rank), key=order)


def fast(work: Work, jobs: int, tell: Callable[[Mutant, str], None]) -> None:
    import pytest
    from hypothesis import Phase, settings

    load = settings.load_profile
    settings.register_profile(
        "mutant", deadline=None, database=None, derandomize=True, max_examples=50,
        phases=(Phase.explicit, Phase.generate),
    )  # fmt: skip
    type.__setattr__(settings, "load_profile", staticmethod(lambda _: load("mutant")))
    files = [str(TESTS / f"test_{name}.py") for name in ORDER]
    plugins = [Forks(work, jobs, tell)]
    pytest.main(["-q", "-s", "-p", "no:cacheprovider", *files], plugins=plugins)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("-j", type=int, default=2, help="mutants at a time")
    parser.add_argument("--only", default="", help="modules, separated by commas")
    parser.add_argument("--list", action="store_true", help="print the mutants, test nothing")
    parser.add_argument("--slow", action="store_true", help="those outside of functions")
    parser.add_argument("--out", type=Path, help="write a JSON file with all survivors")
    args = parser.parse_args(argv)
    names = [m for m in args.only.split(",") if m] or sorted(
        path.stem for path in KERNEL.glob("*.py") if path.stem not in SKIPPED
    )
    work = [one for name in names for one in mutants(name)]
    if args.list:
        lines = [f"{m.module}:{m.line} #{m.number} {m.says}" for m, _ in work]
        print("\n".join(lines), len(work), sep="\n")
        return 0
    return judge(work, names, args)


def judge(work: Work, names: Sequence[str], args: argparse.Namespace) -> int:
    os.chdir(ROOT)
    preload()
    began = time.monotonic()
    survivors: list[Mutant] = []
    done: list[Mutant] = []

    def tell(mutant: Mutant, how: str) -> None:
        done.append(mutant)
        if how == "exit 70":
            print(
                f"BROKEN {mutant.module}:{mutant.line} #{mutant.number} {mutant.says}", flush=True
            )
        if not how:
            survivors.append(mutant)
            print(
                f"SURVIVED {mutant.module}:{mutant.line} #{mutant.number} {mutant.says}", flush=True
            )
        if len(done) % 50 == 0:
            print(f"  {len(done)} of {len(work)}, {len(survivors)} survived", flush=True)

    if args.slow:
        for mutant, source in work:
            if not mutant.inside:
                tell(mutant, killed(mutant.module, source))
    else:
        plain = Mutant(names[0], -1, 0, "no change at all (must survive)", True)
        same = ast.unparse(ast.parse((KERNEL / f"{names[0]}.py").read_text()))
        fast([(plain, same), *(one for one in work if one[0].inside)], args.j, tell)
        if plain not in survivors:
            print("the tests fail without any change")
            return 1
        survivors.remove(plain)
        done.remove(plain)
    print(
        f"{len(done)} mutants of {len(names)} modules: {len(done) - len(survivors)} killed, "
        f"{len(survivors)} survived, {time.monotonic() - began:.0f} s"
    )
    if args.out:
        args.out.write_text(json.dumps([vars(one) for one in survivors], indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
