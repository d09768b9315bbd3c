"""A question to the index, such as `gain_margin_min < 1 and area > "1 mm^2"`.

The text is parsed as a Python expression, but never run: the tree is checked node by node against the few
kinds that are allowed and written as SQL that holds nothing but names of known columns, operators and
question marks. Every text and number of the user goes to SQLite as a value.

    comparisons          <  <=  >  >=  ==  !=  in (..., ...)  not in  is None  is not None
    logic                and  or  not  ( )
    arithmetic           +  -  *  /  **  abs(x)  log10(x)  sqrt(x)
    texts                contains(device, "7B")
    units                R_b > "10 kohm"
    attributes           batch == "7"; attributes["any name"] where a name is no plain word or is taken

What is not determined (None) is neither above nor below anything: no comparison with it holds.
"""

import ast
import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NoReturn

from memfit.batch.rows import COLUMNS
from memfit.errors import InputError, UnitError, meant
from memfit.units import parse_quantity

LONGEST = 2000
"""Characters of an expression."""
_DEEPEST = 60
"""Levels of an expression."""

Kind = Literal["number", "text", "truth", "any", "none"]

_COMPARE: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "=",
    ast.NotEq: "<>",
}
_ARITHMETIC: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_FUNCTIONS = {"abs": "abs", "log10": "memfit_log10", "sqrt": "memfit_sqrt"}
_NUMBER = "CASE WHEN typeof({0}) IN ('integer', 'real') THEN {0} END"
_TEXT = "CASE WHEN typeof({0}) = 'text' THEN {0} END"
_ATTRIBUTE = "(SELECT value FROM attributes AS a WHERE a.folder = devices.folder AND a.name = ?)"
_EXAMPLE = 'gain_margin_min < 1 and status == "ok"'


@dataclass(frozen=True)
class Condition:
    """An expression as SQLite takes it."""

    sql: str
    """Known names, operators and question marks."""
    values: tuple[str | float, ...]
    """What stands for the question marks."""
    names: tuple[str, ...]
    """Columns and attributes that the expression speaks of, each once."""


@dataclass(frozen=True)
class _Term:
    """A part of an expression, written as SQL."""

    sql: str
    values: tuple[str | float, ...]
    kind: Kind
    dimension: str = ""
    said: str = ""
    """As the user wrote it."""
    constant: str | float | None = None


@dataclass
class _Compiler:
    """Writes a checked tree as SQL."""

    text: str
    attributes: Sequence[str]
    names: dict[str, None] = field(default_factory=dict)

    def term(self, node: ast.expr) -> _Term:
        """A part of any kind."""
        writers: dict[type, Callable[..., _Term]] = {
            ast.BoolOp: self._logic,
            ast.UnaryOp: self._unary,
            ast.Compare: self._compare,
            ast.BinOp: self._arithmetic,
            ast.Call: self._call,
            ast.Name: self._name,
            ast.Subscript: self._subscript,
            ast.Constant: self._constant,
        }
        write = writers.get(type(node))
        if write is None:
            self._refuse(node, "is not allowed in a question")
        return write(node)

    def truth(self, node: ast.expr) -> _Term:
        """A part that holds or not."""
        found = self.term(node)
        if found.kind != "truth":
            self._refuse(node, f"is no condition; compare it with something, as in {_EXAMPLE}")
        return found

    def number(self, node: ast.expr) -> _Term:
        """A part that is a number."""
        found = self.term(node)
        if found.kind == "any":
            return _Term(_NUMBER.format(found.sql), found.values * 2, "number", said=found.said)
        if found.kind != "number":
            self._refuse(node, "is no number")
        return found

    def _logic(self, node: ast.BoolOp) -> _Term:
        word = " AND " if isinstance(node.op, ast.And) else " OR "
        return _joined(word, [self.truth(value) for value in node.values])

    def _unary(self, node: ast.UnaryOp) -> _Term:
        if isinstance(node.op, ast.Not):
            inner = self.truth(node.operand)
            return _Term(f"(NOT {inner.sql})", inner.values, "truth")
        if isinstance(node.op, ast.Invert):
            self._refuse(node, "is not allowed in a question; say not")
        inner = self.number(node.operand)
        sign = "-" if isinstance(node.op, ast.USub) else "+"
        return _Term(f"({sign} {inner.sql})", inner.values, "number", inner.dimension)

    def _compare(self, node: ast.Compare) -> _Term:
        sides = [node.left, *node.comparators]
        pairs = zip(sides[:-1], node.ops, sides[1:], strict=True)
        return _joined(" AND ", [self._pair(left, op, right) for left, op, right in pairs])

    def _pair(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> _Term:
        """One comparison."""
        if isinstance(op, (ast.In, ast.NotIn)):
            return self._member(left, right, negated=isinstance(op, ast.NotIn))
        first, second = self.term(left), self.term(right)
        if "none" in (first.kind, second.kind):
            return self._is_none(first, op, second, left)
        if isinstance(op, (ast.Is, ast.IsNot)):
            self._refuse(right, "cannot stand behind is; only None can")
        first, second = self._alike(first, second, left), self._alike(second, first, right)
        if first.kind != second.kind:
            self._refuse(right, f"is a {second.kind}, but {first.said or 'the other side'} is a {first.kind}")
        return _Term(
            f"({first.sql} {_COMPARE[type(op)]} {second.sql})", first.values + second.values, "truth"
        )

    def _is_none(self, first: _Term, op: ast.cmpop, second: _Term, node: ast.expr) -> _Term:
        """Whether there is no value."""
        known = first if second.kind == "none" else second
        if isinstance(op, (ast.Is, ast.Eq)):
            return _Term(f"({known.sql} IS NULL)", known.values, "truth")
        if isinstance(op, (ast.IsNot, ast.NotEq)):
            return _Term(f"({known.sql} IS NOT NULL)", known.values, "truth")
        return self._refuse(node, "cannot be compared with None; say is None or is not None")

    def _member(self, left: ast.expr, right: ast.expr, *, negated: bool) -> _Term:
        """Whether a value is one of several."""
        if not isinstance(right, (ast.Tuple, ast.List, ast.Set)) or not right.elts:
            self._refuse(right, 'must be a list of values, as in status in ("ok", "at_bound")')
        tests = [self._pair(left, ast.NotEq() if negated else ast.Eq(), item) for item in right.elts]
        return _joined(" AND " if negated else " OR ", tests)

    def _alike(self, term: _Term, other: _Term, node: ast.expr) -> _Term:
        """A term as it is compared with another: texts with units as numbers, attributes by type."""
        if term.kind == "any":
            if other.kind == "text":
                return _Term(_TEXT.format(term.sql), term.values * 2, "text", said=term.said)
            return _Term(_NUMBER.format(term.sql), term.values * 2, "number", said=term.said)
        if term.kind == "text" and isinstance(term.constant, str) and other.kind == "number":
            return self._quantity(term.constant, other, node)
        return term

    def _quantity(self, text: str, other: _Term, node: ast.expr) -> _Term:
        """A text with its unit as a number in SI."""
        if not other.dimension:
            self._refuse(node, f"is a text, but {other.said or 'the other side'} is a number")
        try:
            return _Term("?", (parse_quantity(text, other.dimension),), "number")
        except UnitError as problem:
            raise InputError(f"{other.said or 'The expression'}: {problem}") from problem

    def _arithmetic(self, node: ast.BinOp) -> _Term:
        left, right = self.number(node.left), self.number(node.right)
        values = left.values + right.values
        if isinstance(node.op, ast.Pow):
            return _Term(f"memfit_power({left.sql}, {right.sql})", values, "number")
        if type(node.op) not in _ARITHMETIC:
            self._refuse(node, "is not allowed in a question; there are + - * / and **")
        return _Term(f"({left.sql} {_ARITHMETIC[type(node.op)]} {right.sql})", values, "number")

    def _call(self, node: ast.Call) -> _Term:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if node.keywords or name not in (*_FUNCTIONS, "contains"):
            self._refuse(
                node, f"is no function of a question; there are {', '.join(_FUNCTIONS)} and contains"
            )
        if name == "contains":
            return self._contains(node)
        if len(node.args) != 1:
            self._refuse(node, "needs one argument")
        inner = self.number(node.args[0])
        return _Term(f"{_FUNCTIONS[name]}({inner.sql})", inner.values, "number")

    def _contains(self, node: ast.Call) -> _Term:
        """Whether a text holds another, whatever the case of its letters."""
        if len(node.args) != 2:
            self._refuse(node, 'needs two arguments, as in contains(device, "7B")')
        parts = [self.term(argument) for argument in node.args]
        for part, argument in zip(parts, node.args, strict=True):
            if part.kind not in ("text", "any"):
                self._refuse(argument, "is no text")
        where, what = parts
        return _Term(
            f"(instr(lower({where.sql}), lower({what.sql})) > 0)", where.values + what.values, "truth"
        )

    def _name(self, node: ast.Name) -> _Term:
        if node.id in COLUMNS:
            info = COLUMNS[node.id]
            self.names[node.id] = None
            return _Term(node.id, (), info.kind, info.dimension, node.id)
        if node.id in self.attributes:
            return self._attribute(node.id)
        return self._unknown(node.id)

    def _subscript(self, node: ast.Subscript) -> _Term:
        """attributes["any name"]."""
        if not (isinstance(node.value, ast.Name) and node.value.id == "attributes"):
            self._refuse(node, 'is not allowed in a question; only attributes["..."] has brackets')
        if not (isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str)):
            self._refuse(node, 'needs the name of an attribute in quotes, as in attributes["batch"]')
        name = node.slice.value
        return self._attribute(name) if name in self.attributes else self._unknown(name, columns=False)

    def _attribute(self, name: str) -> _Term:
        """An attribute of the device, a text or a number."""
        self.names[name] = None
        return _Term(_ATTRIBUTE, (name,), "any", said=name)

    def _constant(self, node: ast.Constant) -> _Term:
        value = node.value
        if value is None:
            return _Term("NULL", (), "none")
        if isinstance(value, bool):
            return _Term("1" if value else "0", (), "truth")
        if isinstance(value, str):
            if "\x00" in value or not value.isprintable():
                self._refuse(node, "holds a character that cannot be seen")
            return _Term("?", (value,), "text", constant=value)
        if isinstance(value, (int, float)) and math.isfinite(number := _float(value)):
            return _Term("?", (number,), "number", constant=number)
        return self._refuse(node, "is no value of a question; use numbers and texts in quotes")

    def _unknown(self, name: str, *, columns: bool = True) -> NoReturn:
        """Refuse a name nobody knows, with the one that was meant."""
        known = [*(COLUMNS if columns else ()), *self.attributes]
        if columns:
            otherwise = "a text needs quotes; `memfit query --help` lists the names."
        else:
            otherwise = f"there are {', '.join(self.attributes)}." if self.attributes else "there are none."
        hint = meant(name, known, otherwise, most=3)
        raise InputError(f"The expression speaks of {name!r}, which the index does not have; {hint}")

    def _refuse(self, node: ast.expr, why: str) -> NoReturn:
        """Refuse a part of the expression."""
        part = ast.get_source_segment(self.text, node) or self.text
        shown = part if len(part) <= 60 else f"{part[:57]}..."
        raise InputError(f"The expression: {shown!r} {why}.")


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
    tree = _parse(asked)
    compiler = _Compiler(asked, attributes)
    found = compiler.truth(tree)
    return Condition(found.sql, found.values, tuple(compiler.names))


def _parse(text: str) -> ast.expr:
    """The tree of an expression."""
    if len(text) > LONGEST:
        raise InputError(f"The expression has {len(text)} characters; expected at most {LONGEST}.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of literals that Python finds odd; they are refused below
            tree = ast.parse(text, mode="eval").body
    except SyntaxError as problem:
        where = f" at column {problem.offset}" if problem.offset else ""
        raise InputError(
            f"The expression cannot be read{where} ({problem.msg}); expected, say, {_EXAMPLE}."
        ) from (problem)
    except (ValueError, RecursionError, MemoryError) as problem:
        raise InputError(f"The expression cannot be read; expected, say, {_EXAMPLE}.") from problem
    if _depth(tree) > _DEEPEST:
        raise InputError(
            f"The expression is nested more than {_DEEPEST} levels deep; say it in a simpler way."
        )
    return tree


def _depth(tree: ast.AST) -> int:
    """Levels of a tree, counted without recursion."""
    level: list[ast.AST] = [tree]
    depth = 0
    while level:
        depth += 1
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return depth


def _joined(word: str, terms: Sequence[_Term]) -> _Term:
    """Conditions joined by AND or OR."""
    values = tuple(value for term in terms for value in term.values)
    return _Term(f"({word.join(term.sql for term in terms)})", values, "truth")


def _float(value: int | float) -> float:
    """A number as SQLite takes it; infinite where it is too large."""
    try:
        return float(value)
    except OverflowError:
        return math.inf
