"""The rules of the house: twelve districts, imports only to the left, small modules, a light import."""

from __future__ import annotations

import ast
import functools
import importlib.util
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "whereshot"
LONGEST_MODULE_LINES = 350
LONGEST_FUNCTION_LINES = 60
LONGEST_DISTRICT_INIT_LINES = 40
MOST_ROOT_ENTRIES = 15
TORCH_AT_THE_TOP = (
    "models.networks",
    "models.optimize",
    "models.onnx_export",
    "evidence.refiners",
    "locate.explain",
    "training",
)
"""Where a module may import torch when it is loaded; elsewhere only a function may."""

BELOW_BASE = tuple(
    f"whereshot.posterior.{name}" for name in ("notebook_map", "place_shape", "place_set", "candidates", "support")
)
"""Modules that the base of their folder may import."""


def _load_script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


architecture = _load_script("write_architecture")
DISTRICTS: tuple[str, ...] = architecture.DISTRICTS

PATHS = sorted(PACKAGE.rglob("*.py"))
MODULES = {".".join(["whereshot", *path.relative_to(PACKAGE).with_suffix("").parts]): path for path in PATHS}
MODULES = {name.removesuffix(".__init__"): path for name, path in MODULES.items()}


@functools.cache
def trees() -> dict[str, ast.Module]:
    """The syntax trees of all modules by name."""
    return {name: ast.parse(path.read_text("utf-8")) for name, path in MODULES.items()}


def district(module: str) -> str:
    """Return the district of a module: "" for the package itself."""
    return module.partition(".")[2].partition(".")[0]


def is_package(module: str) -> bool:
    return MODULES[module].name == "__init__.py"


def imports(module: str, tree: ast.AST | None = None) -> Iterator[tuple[int, str]]:
    """Yield (line, module of ours) of every import, also of those inside functions."""
    for node in ast.walk(tree or trees()[module]):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names if name.name.split(".")[0] == "whereshot")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "whereshot":
            for name in node.names:  # a module, or a name out of the __init__ of its package
                full = f"{node.module}.{name.name}"
                yield node.lineno, full if full in MODULES else str(node.module)


def is_to_the_left(module: str, target: str) -> bool:
    """Whether a module may import another one by the order of the districts and the order inside a folder."""
    if module.endswith(".__main__"):
        return True
    if not district(module):  # the face of the package may show anything of it
        return True
    if not district(target):  # and nothing in the package may look at its face
        return False
    if district(module) != district(target):
        return DISTRICTS.index(district(target)) < DISTRICTS.index(district(module))
    folder = module if is_package(module) else module.rpartition(".")[0]
    if (target != module and folder.startswith(f"{target}.")) or (target == folder and not is_package(module)):
        return False  # nothing in a folder imports the __init__ of the folder or of those around it
    if module != f"{folder}.base" or not target.startswith(f"{folder}."):
        return True
    return target in BELOW_BASE


def test_the_root_holds_the_districts() -> None:
    entries = {path.name for path in PACKAGE.iterdir()} - {"__pycache__"}
    assert entries == {"__init__.py", "py.typed", *DISTRICTS}
    assert len(entries) <= MOST_ROOT_ENTRIES


def test_imports_go_to_the_left() -> None:
    wrong = {
        f"{MODULES[module].relative_to(PACKAGE)}:{line} imports {target}"
        for module in MODULES
        for line, target in imports(module)
        if not is_to_the_left(module, target)
    }
    assert not wrong, "to the right, or out of the order of a folder:\n" + "\n".join(sorted(wrong))


def test_the_check_of_imports_sees() -> None:
    """Known facts about known modules: were the walk blind, the test above would pass on anything."""
    seen = {(module, target) for module in MODULES for _, target in imports(module)}
    assert ("whereshot.photos.sources.table", "whereshot.photos.sources.base") in seen
    assert ("whereshot.photos.sources", "whereshot.photos.sources.folder") in seen
    assert is_to_the_left("whereshot.photos.sources.table", "whereshot.photos.sources.base")
    assert not is_to_the_left("whereshot.photos.sources.base", "whereshot.photos.sources.table")
    assert not is_to_the_left("whereshot.photos.sources.base", "whereshot.photos.sources")
    assert not is_to_the_left("whereshot.photos.sources.base", "whereshot.photos")
    assert not is_to_the_left("whereshot.earth.sphere", "whereshot.photos.records")
    assert not is_to_the_left("whereshot.earth.sphere", "whereshot")


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return the strongly connected parts of a graph that have more than one node (Tarjan's algorithm)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        number[node] = low[node] = len(number)
        stack.append(node)
        for target in graph[node]:
            if target not in number:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], number[target])
        if low[node] == number[node]:
            part = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(part) > 1:
                found.append(sorted(part))

    for node in graph:
        if node not in number:
            visit(node)
    return found


def test_no_module_imports_itself_by_a_circle() -> None:
    graph = {module: {target for _, target in imports(module) if target != module} for module in MODULES}
    assert circles(graph) == []


def test_the_check_of_circles_sees() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))


def lines_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def long_modules() -> set[str]:
    return {
        f"{path.relative_to(PACKAGE).as_posix()}: {count} lines"
        for path in PATHS
        if (count := len(path.read_text("utf-8").splitlines())) > LONGEST_MODULE_LINES
    }


def long_functions() -> set[str]:
    return {
        f"{MODULES[module].relative_to(PACKAGE).as_posix()}: {node.name} has {lines_of(node)} lines"
        for module, tree in trees().items()
        for node in functions(tree)
        if lines_of(node) > LONGEST_FUNCTION_LINES
    }


def repeated_class_names() -> set[str]:
    homes = defaultdict(list)
    for module, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(module.removeprefix("whereshot."))
    return {f"{name}: {', '.join(sorted(found))}" for name, found in homes.items() if len(found) > 1}


def long_district_inits() -> set[str]:
    counts = {name: len((PACKAGE / name / "__init__.py").read_text("utf-8").splitlines()) for name in DISTRICTS}
    return {f"{name}: {count} lines" for name, count in counts.items() if count > LONGEST_DISTRICT_INIT_LINES}


def borrowed_private_names() -> set[str]:
    return {
        f"{module} imports {name.name} of {node.module}"
        for module, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("whereshot")
        for name in node.names
        if name.name.startswith("_") and not name.name.startswith("__")
    }


def torch_at_the_top() -> set[str]:
    found = set()
    for module, tree in trees().items():
        if any(f"{module}.".startswith(f"whereshot.{allowed}.") for allowed in TORCH_AT_THE_TOP):
            continue
        for node in tree.body:
            names = [name.name for name in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found |= {module for name in names if name.split(".")[0] in ("torch", "torchvision", "timm")}
    return found


def modules_without_tests() -> set[str]:
    """Every public module a/b.py has a test file tests/a/test_b.py."""
    public = [path.relative_to(PACKAGE) for path in PATHS if not path.name.startswith("_")]
    return {p.as_posix() for p in public if not (ROOT / "tests" / p.parent / f"test_{p.name}").is_file()}


RULES = {
    rule.__name__: rule
    for rule in (
        long_modules,
        long_functions,
        repeated_class_names,
        long_district_inits,
        borrowed_private_names,
        torch_at_the_top,
        modules_without_tests,
    )
}


@pytest.mark.parametrize("rule", RULES)
def test_rule(rule: str) -> None:
    assert sorted(RULES[rule]()) == []


def test_the_page_of_the_architecture_is_fresh() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    assert page == architecture.page_with_table(page), "run: python scripts/write_architecture.py"


def loaded(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh process, which then prints the heavy packages that are loaded."""
    heavy = "torch torchvision timm matplotlib onnxruntime pyspark duckdb fastapi typer rich sklearn"
    tail = f"\nimport sys\nprint(*sorted(set({heavy.split()}) & set(sys.modules)))"
    return subprocess.run([sys.executable, "-c", code + tail], capture_output=True, text=True, check=True)


def test_import_is_silent_and_light() -> None:
    result = loaded("import whereshot")
    assert result.stdout.split() == []
    assert result.stderr == ""


@functools.cache
def _from_photo_to_answer() -> tuple[str, ...]:
    """The modules between a network's outputs and the answer, which run without torch."""
    without = ("models.networks", "models.optimize", "models.onnx_export", "evidence.refiners", "locate.explain")
    districts = ("foundation", "earth", "photos", "posterior", "models", "evidence", "locate", "evaluate")
    return tuple(
        module
        for module in MODULES
        if district(module) in districts
        and not any(f"{module}.".startswith(f"whereshot.{name}.") for name in without)
        and module != "whereshot.photos.dali_batches"  # needs DALI
        and not module.startswith("whereshot.models.hub")  # reads weights with torch
    )


def test_the_way_to_the_answer_needs_no_torch() -> None:
    present = _from_photo_to_answer()
    assert "whereshot.photos.sources.table" in present and "whereshot.locate.geolocator" in present
    result = loaded("\n".join(f"import {module}" for module in present))
    assert not {"torch", "torchvision", "timm", "matplotlib"} & set(result.stdout.split())
    assert result.stderr == ""


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_module_names_say_something(path: Path) -> None:
    empty = {"utils", "util", "common", "helpers", "helper", "core", "misc"}
    assert not empty & set(path.relative_to(PACKAGE).with_suffix("").parts)


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_a_docstring(module: str) -> None:
    assert ast.get_docstring(trees()[module])


PICKLES = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "marshal", "jsonpickle"}


def forbidden(tree: ast.Module) -> Iterator[str]:
    """What the house has nowhere: pickle in any dress, eval, and assert (which python -O drops)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            yield f"line {node.lineno}: assert"
        elif isinstance(node, ast.Import):
            yield from (
                f"line {node.lineno}: import {name.name}" for name in node.names if name.name.split(".")[0] in PICKLES
            )
        elif isinstance(node, ast.ImportFrom):
            source = node.module or ""
            if source.split(".")[0] in PICKLES:
                yield f"line {node.lineno}: from {source}"
            if source == "torch":
                yield from (f"line {node.lineno}: torch.{n.name}" for n in node.names if n.name in ("load", "save"))
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == "torch" and node.attr in ("load", "save"):
                yield f"line {node.lineno}: torch.{node.attr}"
        elif isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id in ("eval", "exec", "__import__"):
                yield f"line {node.lineno}: {node.func.id}()"
            for keyword in node.keywords:
                if keyword.arg == "allow_pickle" and getattr(keyword.value, "value", True):
                    yield f"line {node.lineno}: allow_pickle"


@pytest.mark.parametrize("module", MODULES)
def test_no_pickle_eval_or_assert(module: str) -> None:
    assert list(forbidden(trees()[module])) == []


@pytest.mark.parametrize(
    "code",
    [
        "assert x",
        "import pickle",
        "import os, pickle as p",
        "def f():\n    from pickle import loads",
        "torch.load('x')",
        "from torch import load",
        "f = torch.save",
        "eval('1')",
        "np.load('x', allow_pickle=True)",
    ],
)
def test_the_check_of_forbidden_things_sees(code: str) -> None:
    assert len(list(forbidden(ast.parse(code)))) == 1


def test_the_check_of_forbidden_things_lets_the_rest_through() -> None:
    assert list(forbidden(ast.parse("network.eval()\nnp.load('x', allow_pickle=False)\ntorch.compile(x)"))) == []
