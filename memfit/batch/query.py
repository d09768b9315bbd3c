"""A query of the index, such as `gain_margin_min < 1 and area > "1 mm^2"`, as a condition for SQLite.

The text is parsed as a Python expression, but never run: the tree is checked node by node against the few
kinds that are allowed and written as SQL that holds nothing but names of known columns, operators and
question marks. Every text and number of the user goes to SQLite as a value. What is refused is shown as
written.

    comparisons          <  <=  >  >=  ==  !=  in (..., ...)  not in  is None  is not None
    logic                and  or  not  ( )
    arithmetic           +  -  *  /  **  abs(x)  log10(x)  sqrt(x)
    texts                contains(device, "7B")
    units                R_b > "10 kohm"
    attributes           batch == "7"; attributes["any name"] where a name is no plain word or is taken

What is not determined (None) is neither above nor below anything: no comparison with it holds.
"""

import ast
import re
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NoReturn

from memfit.batch.columns import COLUMNS
from memfit.errors import InputError, UnitError, meant
from memfit.units import parse_quantity

EXAMPLE = 'gain_margin_min < 1 and status == "ok"'
LONGEST = 2000
"""Characters of an expression."""
_DEEPEST = 60
"""Levels of an expression."""
_SHOWN = 60
"""Characters of a part that is refused."""
_SLIPS = {
    r"(?<![<>=!:])=(?!=)": "equality is written ==",
    r"(?<![\w.])[\d.]+\s*(?!(?:and|or|not|in|is|if)\b|[eE][-+]?\d)[A-Za-zµμΩ%°]": (
        'a quantity with its unit needs quotes, as in R_b > "10 kohm"'
    ),
}
"""What people write instead, by what it looks like outside quotes."""
_LARGEST = sys.float_info.max
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")

_COMPARE: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "=",
    ast.NotEq: "<>",
}
_ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "({} + {})",
    ast.Sub: "({} - {})",
    ast.Mult: "({} * {})",
    ast.Div: "({} / {})",
    ast.Pow: "memfit_power({}, {})",
}
_FUNCTIONS = {"abs": "abs", "log10": "memfit_log10", "sqrt": "memfit_sqrt"}
_ATTRIBUTE = "(SELECT value FROM attributes AS a WHERE a.folder = devices.folder AND a.name = ?)"
_NUMBER = "CASE WHEN typeof({0}) IN ('integer', 'real') THEN {0} END"
_TEXT = "CASE WHEN typeof({0}) = 'text' THEN {0} END"


@dataclass(frozen=True)
class Condition:
    """An expression as SQLite takes it."""

    sql: str
    """Known names, operators and question marks."""
    values: tuple[str | float, ...]
    """What stands for the question marks."""
    names: tuple[str, ...]
    """Columns and attributes that the expression speaks of, each once."""


def compile_expression(text: str, attributes: Sequence[str] = ()) -> Condition:
    """An expression as a condition for SQLite.

    Parameters
    ----------
    text : str
        The question.
    attributes : sequence of str
        Names of attributes that some device has.

    Raises
    ------
    InputError
        It cannot be understood, or speaks of what there is not.
    """
    asked = text.strip()
    compiler = _Compiler(asked, tuple(attributes))
    found = compiler.truth(_parse(asked))
    return Condition(found.sql, found.values, tuple(compiler.used))


def _parse(text: str) -> ast.expr:
    """The tree of an expression, not yet checked against what a query allows."""
    if len(text) > LONGEST:
        raise InputError(f"The expression has {len(text)} characters; expected at most {LONGEST}.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of literals that Python finds odd; they are refused below
            tree = ast.parse(text, mode="eval").body
    except SyntaxError as problem:
        where = f" at column {problem.offset}" if problem.offset else ""
        bare = _QUOTED.sub("''", text)
        slips = [said for pattern, said in _SLIPS.items() if re.search(pattern, bare)]
        raise InputError(
            f"The expression cannot be read{where}: {(*slips, problem.msg)[0]}; expected, say, {EXAMPLE}."
        ) from problem
    except (ValueError, RecursionError, MemoryError) as problem:
        raise InputError(f"The expression cannot be read; expected, say, {EXAMPLE}.") from problem
    level: list[ast.AST] = [tree]
    depth = 0
    while level:
        depth += 1
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    if depth > _DEEPEST:
        raise InputError(
            f"The expression is nested more than {_DEEPEST} levels deep; say it in a simpler way."
        )
    return tree


@dataclass(frozen=True)
class _Term:
    """A part of an expression, written as SQL."""

    sql: str
    values: tuple[str | float, ...]
    kind: Literal["number", "text", "truth", "any", "none"]
    dimension: str = ""
    said: str = ""
    """As the user wrote it."""
    constant: str | None = None


def _joined(word: str, terms: Sequence[_Term]) -> _Term:
    """Conditions joined by AND or OR."""
    values = tuple(value for term in terms for value in term.values)
    return _Term(f"({word.join(term.sql for term in terms)})", values, "truth")


class _Compiler:
    """Writes a tree as SQL, checked node by node."""

    def __init__(self, text: str, attributes: tuple[str, ...]) -> None:
        self.text, self.attributes = text, attributes
        self.used: dict[str, None] = {}

    def refuse(self, node: ast.expr, why: str) -> NoReturn:
        """Refuse a part of the expression, for what follows it in the sentence."""
        part = ast.get_source_segment(self.text, node) or self.text
        shown = part if len(part) <= _SHOWN else f"{part[: _SHOWN - 3]}..."
        raise InputError(f"The expression: {shown!r} {why}.")

    def named(self, name: str, *, column: bool = True) -> _Term:
        """A column of the index, or else an attribute: a text or a number."""
        if column and name in COLUMNS:
            found = _Term(name, (), COLUMNS[name].kind, COLUMNS[name].dimension, name)
        elif name in self.attributes:
            found = _Term(_ATTRIBUTE, (name,), "any", said=name)
        else:
            known = [*(COLUMNS if column else ()), *self.attributes]
            otherwise = f"there are {', '.join(known)}." if known else "there are none."
            if column:
                otherwise = "a text needs quotes; `memfit query --help` lists the names."
            raise InputError(
                f"The expression speaks of {name!r}, which the index does not have; "
                f"{meant(name, known, otherwise, most=3)}"
            )
        self.used[name] = None
        return found

    def term(self, node: ast.expr) -> _Term:
        """A part of any kind."""
        match node:
            case ast.BoolOp():
                word = " AND " if isinstance(node.op, ast.And) else " OR "
                return _joined(word, [self.truth(value) for value in node.values])
            case ast.UnaryOp():
                return self.unary(node)
            case ast.Compare():
                sides = [node.left, *node.comparators]
                pairs = zip(sides[:-1], node.ops, sides[1:], strict=True)
                return _joined(" AND ", [self.pair(*pair) for pair in pairs])
            case ast.BinOp():
                left, right = self.number(node.left), self.number(node.right)
                if type(node.op) not in _ARITHMETIC:
                    self.refuse(node, "is not allowed in a question; there are + - * / and **")
                sql = _ARITHMETIC[type(node.op)].format(left.sql, right.sql)
                return _Term(sql, left.values + right.values, "number")
            case ast.Call():
                return self.call(node)
            case ast.Name():
                return self.named(node.id)
            case ast.Subscript(value=ast.Name(id="attributes")):
                if not (isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str)):
                    self.refuse(node, 'needs the name of an attribute in quotes, as in attributes["batch"]')
                return self.named(node.slice.value, column=False)
            case ast.Subscript():
                self.refuse(node, 'is not allowed in a question; only attributes["..."] has brackets')
            case ast.Constant():
                return self.constant(node)
        return self.refuse(node, "is not allowed in a question")

    def truth(self, node: ast.expr) -> _Term:
        """A part that holds or not."""
        found = self.term(node)
        if found.kind != "truth":
            self.refuse(node, f"is no condition; compare it with something, as in {EXAMPLE}")
        return found

    def number(self, node: ast.expr) -> _Term:
        """A part that is a number."""
        found = self.term(node)
        if found.kind == "any":
            return _Term(_NUMBER.format(found.sql), found.values * 2, "number", said=found.said)
        if found.kind != "number":
            self.refuse(node, "is no number")
        return found

    def unary(self, node: ast.UnaryOp) -> _Term:
        """A negation, or a sign."""
        if isinstance(node.op, ast.Not):
            inner = self.truth(node.operand)
            return _Term(f"(NOT {inner.sql})", inner.values, "truth")
        if isinstance(node.op, ast.Invert):
            self.refuse(node, "is not allowed in a question; say not")
        inner = self.number(node.operand)
        sign = "-" if isinstance(node.op, ast.USub) else "+"
        return _Term(f"({sign} {inner.sql})", inner.values, "number", inner.dimension)

    def pair(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> _Term:
        """One comparison."""
        if isinstance(op, (ast.In, ast.NotIn)):
            if not isinstance(right, (ast.Tuple, ast.List, ast.Set)) or not right.elts:
                self.refuse(right, 'must be a list of values, as in status in ("ok", "at_bound")')
            word, test = (" OR ", ast.Eq()) if isinstance(op, ast.In) else (" AND ", ast.NotEq())
            return _joined(word, [self.pair(left, test, item) for item in right.elts])
        first, second = self.term(left), self.term(right)
        if "none" in (first.kind, second.kind):
            known = first if second.kind == "none" else second
            if isinstance(op, (ast.Is, ast.Eq)):
                return _Term(f"({known.sql} IS NULL)", known.values, "truth")
            if isinstance(op, (ast.IsNot, ast.NotEq)):
                return _Term(f"({known.sql} IS NOT NULL)", known.values, "truth")
            self.refuse(left, "cannot be compared with None; say is None or is not None")
        if isinstance(op, (ast.Is, ast.IsNot)):
            self.refuse(right, "cannot stand behind is; only None can")
        first, second = self.alike(first, second, left), self.alike(second, first, right)
        if first.kind != second.kind:
            other = first.said or "the other side"
            self.refuse(right, f"is a {second.kind}, but {other} is a {first.kind}")
        return _Term(
            f"({first.sql} {_COMPARE[type(op)]} {second.sql})", first.values + second.values, "truth"
        )

    def alike(self, term: _Term, other: _Term, node: ast.expr) -> _Term:
        """A term as it is compared with another: texts with units as numbers, attributes by type."""
        if term.kind == "any":
            text = other.kind == "text"
            sql = (_TEXT if text else _NUMBER).format(term.sql)
            return _Term(sql, term.values * 2, "text" if text else "number", said=term.said)
        if term.kind != "text" or term.constant is None or other.kind != "number":
            return term
        if not other.dimension:
            self.refuse(node, f"is a text, but {other.said or 'the other side'} is a number")
        try:
            return _Term("?", (parse_quantity(term.constant, other.dimension),), "number")
        except UnitError as problem:
            raise InputError(f"{other.said or 'The expression'}: {problem}") from problem

    def call(self, node: ast.Call) -> _Term:
        """A function of a number, or whether a text holds another, whatever the case of its letters."""
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if node.keywords or name not in (*_FUNCTIONS, "contains"):
            self.refuse(node, f"is no function of a question; there are {', '.join(_FUNCTIONS)} and contains")
        if name != "contains":
            if len(node.args) != 1:
                self.refuse(node, "needs one argument")
            inner = self.number(node.args[0])
            return _Term(f"{_FUNCTIONS[name]}({inner.sql})", inner.values, "number")
        if len(node.args) != 2:
            self.refuse(node, 'needs two arguments, as in contains(device, "7B")')
        parts = [self.term(argument) for argument in node.args]
        for part, argument in zip(parts, node.args, strict=True):
            if part.kind not in ("text", "any"):
                self.refuse(argument, "is no text")
        where, what = parts
        sql = f"(instr(lower({where.sql}), lower({what.sql})) > 0)"
        return _Term(sql, where.values + what.values, "truth")

    def constant(self, node: ast.Constant) -> _Term:
        """A value."""
        value = node.value
        if value is None:
            return _Term("NULL", (), "none")
        if isinstance(value, bool):
            return _Term("1" if value else "0", (), "truth")
        if isinstance(value, str):
            if "\x00" in value or not value.isprintable():
                self.refuse(node, "holds a character that cannot be seen")
            return _Term("?", (value,), "text", constant=value)
        if isinstance(value, int | float) and abs(value) <= _LARGEST:
            return _Term("?", (float(value),), "number")
        return self.refuse(node, "is no value of a question; use numbers and texts in quotes")
