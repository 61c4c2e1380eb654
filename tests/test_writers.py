"""Only the modules that are listed here write files; all others use foundation.output_files."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "whereshot"

WRITES_BY_ITSELF = {
    "foundation.output_files": "writes for all others",
    "foundation.output_temporary": "makes the temporary folders of output_files",
    "foundation.folder_replacement": "renames the folders of output_files",
    "foundation.output_sync": "waits for the disk for output_files",
    "foundation.output_streams": "sends the bytes to pipes and devices",
    "foundation.library_remarks": "lets a file descriptor lead nowhere",
    "foundation.jobs.base": "its manifest grows line by line under a lock, and half a line at its end is dropped later",
    "foundation.download": "a part grows over several runs under a lock, and is checked and renamed when it is whole",
    "evidence.tesseract": "hands lines to the program in a temporary folder of its own",
    "cli.running": "closes standard output whose reader left",
}
FORBIDDEN = {
    "": {"write_text", "write_bytes", "mkdir", "makedirs", "rename", "fsync", "touch", "mkstemp", "NamedTemporaryFile"},
    "os": {"replace", "open", "link", "symlink", "truncate"},
    "shutil": {"copyfile", "copy", "copy2", "move"},
}
"""Calls that make or change files, under any owner or under one."""
INTO_A_PATH = {"write_table", "save_file", "save", "savefig", "copytree", "savez", "tofile", "write_csv", "to_file"}
"""Calls that write to the path or buffer that they are given."""
OWN_SAVES = {"settings_file", "training_state", "refiners", "level", "fitted", "levels", "writer"}
"""Objects of ours whose ``save`` is one of the writers that are tested above."""


def writes(tree: ast.Module) -> Iterator[str]:
    """Calls that write to a path that output_files did not hand out: those are named ``beside``, buffers ``buffer``."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        owner = ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""
        names = {found.id for argument in node.args for found in ast.walk(argument) if isinstance(found, ast.Name)}
        if owner == "output_files" or names & {"beside", "buffer"} or (owner, name) == ("", "save"):
            continue  # safetensors' save returns bytes
        if name == "open" and owner in ("", *_paths(node)):
            is_writer = _writing_mode(node)
        else:
            is_writer = name in FORBIDDEN[""] | FORBIDDEN.get(owner, set())
            is_writer |= name in INTO_A_PATH and owner.split("[")[0] not in OWN_SAVES
        if is_writer or (owner, name) == ("os", "open"):
            yield f"line {node.lineno}: {ast.unparse(node)}"


def _paths(node: ast.Call) -> list[str]:
    """The owner of an ``open`` that is a path, and no module that opens pictures, archives or Arrow files."""
    owner = ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""
    is_buffer = any(keyword.arg == "fileobj" for keyword in node.keywords)
    return [] if owner in ("Image", "pa.ipc", "os") or is_buffer else [owner]


def _writing_mode(node: ast.Call) -> bool:
    values = [*node.args, *(keyword.value for keyword in node.keywords)]
    modes = [value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)]
    return any(set(mode) & set("wax+") and set(mode) <= set("rwaxbt+") for mode in modes)


MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in PACKAGE.rglob("*.py")
}


@pytest.mark.parametrize("module", sorted(set(MODULES) - set(WRITES_BY_ITSELF)))
def test_no_other_module_writes_by_itself(module: str) -> None:
    assert list(writes(ast.parse(MODULES[module].read_text("utf-8")))) == [], "use whereshot.foundation.output_files"


@pytest.mark.parametrize(
    "code",
    [
        "open(path, 'w')", "path.open('ab')", "path.write_text('x')", "path.write_bytes(b'')", "os.replace(a, b)",
        "folder.mkdir(parents=True)", "pq.write_table(table, path)", "save_file(arrays, path)", "image.save(path)",
        "figure.savefig(path)", "shutil.copyfile(a, b)", "open(path, mode='wb')", "os.open(path, os.O_WRONLY)",
    ],
)  # fmt: skip
def test_the_check_of_writers_sees(code: str) -> None:
    assert len(list(writes(ast.parse(code)))) == 1


def test_the_check_of_writers_lets_the_rest_through() -> None:
    code = "open(path)\nopen(path, 'rb')\ntext.replace('a', 'b')\nsave_file(x, beside)\nimage.save(buffer, 'JPEG')"
    assert list(writes(ast.parse(code))) == []
