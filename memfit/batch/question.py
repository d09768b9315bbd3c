"""The text of an expression as a tree of Python's grammar, never run; what is refused is shown as written."""

import ast
import re
import warnings
from typing import NoReturn

from memfit.errors import InputError

EXAMPLE = 'gain_margin_min < 1 and status == "ok"'
LONGEST = 2000
"""Characters of an expression."""
_DEEPEST = 60
"""Levels of an expression."""
_SLIPS = (
    (re.compile(r"(?<![<>=!:])=(?!=)"), "equality is written =="),
    (
        re.compile(r"(?<![\w.])[\d.]+\s*(?!(?:and|or|not|in|is|if)\b|[eE][-+]?\d)[A-Za-zµμΩ%°]"),
        'a quantity with its unit needs quotes, as in R_b > "10 kohm"',
    ),
)
"""What people write instead, by what it looks like outside quotes."""
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")


def parse(text: str) -> ast.expr:
    """The tree of an expression.

    Raises
    ------
    InputError
        It is no expression of Python, or too long, or too deep.
    """
    if len(text) > LONGEST:
        raise InputError(f"The expression has {len(text)} characters; expected at most {LONGEST}.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of literals that Python finds odd; they are refused below
            tree = ast.parse(text, mode="eval").body
    except SyntaxError as problem:
        where = f" at column {problem.offset}" if problem.offset else ""
        raise InputError(
            f"The expression cannot be read{where}: {_slip(text) or problem.msg}; expected, say, {EXAMPLE}."
        ) from problem
    except (ValueError, RecursionError, MemoryError) as problem:
        raise InputError(f"The expression cannot be read; expected, say, {EXAMPLE}.") from problem
    if _depth(tree) > _DEEPEST:
        raise InputError(
            f"The expression is nested more than {_DEEPEST} levels deep; say it in a simpler way."
        )
    return tree


def _slip(text: str) -> str:
    """A common slip in a text that cannot be read; empty where there is none."""
    bare = _QUOTED.sub("''", text)
    return next((said for pattern, said in _SLIPS if pattern.search(bare)), "")


def _depth(tree: ast.AST) -> int:
    """Levels of a tree, counted without recursion."""
    level: list[ast.AST] = [tree]
    depth = 0
    while level:
        depth += 1
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return depth


def refuse(text: str, node: ast.expr, why: str) -> NoReturn:
    """Refuse a part of the expression.

    Raises
    ------
    InputError
        Always.
    """
    part = ast.get_source_segment(text, node) or text
    shown = part if len(part) <= 60 else f"{part[:57]}..."
    raise InputError(f"The expression: {shown!r} {why}.")
