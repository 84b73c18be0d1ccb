"""Copies the docstrings of the native classes, which are in the Rust sources, into the stubs, where editors find them."""

import ast
import inspect
import textwrap
from pathlib import Path

from facekit import _facekit

PATH = Path(__file__).resolve().parents[1] / "python" / "facekit" / "_facekit.pyi"


def documented(text: str) -> str:
    """The stubs with the docstrings of the installed module."""
    lines = text.splitlines()
    changes = []
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef) and hasattr(_facekit, node.name):
            owner = getattr(_facekit, node.name)
            changes.append((node, inspect.getdoc(owner)))
            for member in node.body:
                if isinstance(member, ast.FunctionDef) and not member.name.startswith("_"):
                    changes.append((member, inspect.getdoc(getattr(owner, member.name))))
    for node, doc in reversed(sorted(changes, key=lambda change: change[0].lineno)):
        first = node.body[0]
        has_doc = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
        indent = " " * (node.col_offset + 4)
        block = textwrap.indent(f'"""{doc}"""', indent, lambda line: bool(line.strip())).splitlines()
        # A body "..." on the line of the signature is replaced.
        if has_doc:
            lines[first.lineno - 1 : first.end_lineno] = block
        elif isinstance(first, ast.Expr) and first.value.value is ...:
            line = lines[first.lineno - 1]
            lines[first.lineno - 1 : first.end_lineno] = [line[: first.col_offset].rstrip(), *block]
        else:
            at = min([first.lineno, *(d.lineno for d in getattr(first, "decorator_list", []))]) - 1
            lines[at:at] = [*block, ""]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PATH.write_text(documented(PATH.read_text()))
