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
import math
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NoReturn

from memfit.batch.columns import COLUMNS
from memfit.errors import InputError, UnitError, meant
from memfit.units import parse_quantity

Kind = Literal["number", "text", "truth", "any", "none"]
_ATTRIBUTE = "(SELECT value FROM attributes AS a WHERE a.folder = devices.folder AND a.name = ?)"


@dataclass(frozen=True)
class Term:
    """A part of an expression, written as SQL."""

    sql: str
    values: tuple[str | float, ...]
    kind: Kind
    dimension: str = ""
    said: str = ""
    """As the user wrote it."""
    constant: str | float | None = None


def joined(word: str, terms: Sequence[Term]) -> Term:
    """Conditions joined by AND or OR."""
    values = tuple(value for term in terms for value in term.values)
    return Term(f"({word.join(term.sql for term in terms)})", values, "truth")


class Vocabulary:
    """The names that an expression may use, and those that it did use.

    Parameters
    ----------
    attributes : sequence of str
        Names of attributes that some device has.
    """

    def __init__(self, attributes: Sequence[str]) -> None:
        self._attributes = tuple(attributes)
        self._used: dict[str, None] = {}

    @property
    def used(self) -> tuple[str, ...]:
        """Columns and attributes, each once."""
        return tuple(self._used)

    def named(self, name: str) -> Term:
        """A column of the index, or else an attribute."""
        if name in COLUMNS:
            info = COLUMNS[name]
            self._used[name] = None
            return Term(name, (), info.kind, info.dimension, name)
        if name in self._attributes:
            return self.attribute(name)
        return _unknown(
            name,
            [*COLUMNS, *self._attributes],
            "a text needs quotes; `memfit query --help` lists the names.",
        )

    def attribute(self, name: str) -> Term:
        """An attribute of the device, a text or a number."""
        if name not in self._attributes:
            known = f"there are {', '.join(self._attributes)}." if self._attributes else "there are none."
            return _unknown(name, self._attributes, known)
        self._used[name] = None
        return Term(_ATTRIBUTE, (name,), "any", said=name)


def _unknown(name: str, known: Sequence[str], otherwise: str) -> NoReturn:
    """Refuse a name nobody knows, with those that may be meant."""
    raise InputError(
        f"The expression speaks of {name!r}, which the index does not have; "
        f"{meant(name, known, otherwise, most=3)}"
    )


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

    Parameters
    ----------
    text : str
        Such as 'gain_margin_min < 1'.

    Returns
    -------
    ast.expr
        Not yet checked against what a query allows.

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

    Parameters
    ----------
    text : str
        The whole expression.
    node : ast.expr
        Its part at fault.
    why : str
        What follows the part in the sentence, without a full stop.

    Raises
    ------
    InputError
        Always.
    """
    part = ast.get_source_segment(text, node) or text
    shown = part if len(part) <= 60 else f"{part[:57]}..."
    raise InputError(f"The expression: {shown!r} {why}.")


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


@dataclass(frozen=True)
class Condition:
    """An expression as SQLite takes it."""

    sql: str
    """Known names, operators and question marks."""
    values: tuple[str | float, ...]
    """What stands for the question marks."""
    names: tuple[str, ...]
    """Columns and attributes that the expression speaks of, each once."""


@dataclass
class _Compiler:
    """Writes a checked tree as SQL."""

    text: str
    vocabulary: Vocabulary

    def term(self, node: ast.expr) -> Term:
        """A part of any kind."""
        writers: dict[type, Callable[..., Term]] = {
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
            refuse(self.text, node, "is not allowed in a question")
        return write(node)

    def truth(self, node: ast.expr) -> Term:
        """A part that holds or not."""
        found = self.term(node)
        if found.kind != "truth":
            refuse(self.text, node, f"is no condition; compare it with something, as in {EXAMPLE}")
        return found

    def number(self, node: ast.expr) -> Term:
        """A part that is a number."""
        found = self.term(node)
        if found.kind == "any":
            return Term(_NUMBER.format(found.sql), found.values * 2, "number", said=found.said)
        if found.kind != "number":
            refuse(self.text, node, "is no number")
        return found

    def _logic(self, node: ast.BoolOp) -> Term:
        word = " AND " if isinstance(node.op, ast.And) else " OR "
        return joined(word, [self.truth(value) for value in node.values])

    def _unary(self, node: ast.UnaryOp) -> Term:
        if isinstance(node.op, ast.Not):
            inner = self.truth(node.operand)
            return Term(f"(NOT {inner.sql})", inner.values, "truth")
        if isinstance(node.op, ast.Invert):
            refuse(self.text, node, "is not allowed in a question; say not")
        inner = self.number(node.operand)
        sign = "-" if isinstance(node.op, ast.USub) else "+"
        return Term(f"({sign} {inner.sql})", inner.values, "number", inner.dimension)

    def _compare(self, node: ast.Compare) -> Term:
        sides = [node.left, *node.comparators]
        pairs = zip(sides[:-1], node.ops, sides[1:], strict=True)
        return joined(" AND ", [self._pair(left, op, right) for left, op, right in pairs])

    def _pair(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> Term:
        """One comparison."""
        if isinstance(op, (ast.In, ast.NotIn)):
            return self._member(left, right, negated=isinstance(op, ast.NotIn))
        first, second = self.term(left), self.term(right)
        if "none" in (first.kind, second.kind):
            return self._is_none(first, op, second, left)
        if isinstance(op, (ast.Is, ast.IsNot)):
            refuse(self.text, right, "cannot stand behind is; only None can")
        first, second = self._alike(first, second, left), self._alike(second, first, right)
        if first.kind != second.kind:
            refuse(
                self.text,
                right,
                f"is a {second.kind}, but {first.said or 'the other side'} is a {first.kind}",
            )
        return Term(f"({first.sql} {_COMPARE[type(op)]} {second.sql})", first.values + second.values, "truth")

    def _is_none(self, first: Term, op: ast.cmpop, second: Term, node: ast.expr) -> Term:
        """Whether there is no value."""
        known = first if second.kind == "none" else second
        if isinstance(op, (ast.Is, ast.Eq)):
            return Term(f"({known.sql} IS NULL)", known.values, "truth")
        if isinstance(op, (ast.IsNot, ast.NotEq)):
            return Term(f"({known.sql} IS NOT NULL)", known.values, "truth")
        return refuse(self.text, node, "cannot be compared with None; say is None or is not None")

    def _member(self, left: ast.expr, right: ast.expr, *, negated: bool) -> Term:
        """Whether a value is one of several."""
        if not isinstance(right, (ast.Tuple, ast.List, ast.Set)) or not right.elts:
            refuse(self.text, right, 'must be a list of values, as in status in ("ok", "at_bound")')
        tests = [self._pair(left, ast.NotEq() if negated else ast.Eq(), item) for item in right.elts]
        return joined(" AND " if negated else " OR ", tests)

    def _alike(self, term: Term, other: Term, node: ast.expr) -> Term:
        """A term as it is compared with another: texts with units as numbers, attributes by type."""
        if term.kind == "any":
            if other.kind == "text":
                return Term(_TEXT.format(term.sql), term.values * 2, "text", said=term.said)
            return Term(_NUMBER.format(term.sql), term.values * 2, "number", said=term.said)
        if term.kind == "text" and isinstance(term.constant, str) and other.kind == "number":
            return self._quantity(term.constant, other, node)
        return term

    def _quantity(self, text: str, other: Term, node: ast.expr) -> Term:
        """A text with its unit as a number in SI."""
        if not other.dimension:
            refuse(self.text, node, f"is a text, but {other.said or 'the other side'} is a number")
        try:
            return Term("?", (parse_quantity(text, other.dimension),), "number")
        except UnitError as problem:
            raise InputError(f"{other.said or 'The expression'}: {problem}") from problem

    def _arithmetic(self, node: ast.BinOp) -> Term:
        left, right = self.number(node.left), self.number(node.right)
        values = left.values + right.values
        if isinstance(node.op, ast.Pow):
            return Term(f"memfit_power({left.sql}, {right.sql})", values, "number")
        if type(node.op) not in _ARITHMETIC:
            refuse(self.text, node, "is not allowed in a question; there are + - * / and **")
        return Term(f"({left.sql} {_ARITHMETIC[type(node.op)]} {right.sql})", values, "number")

    def _call(self, node: ast.Call) -> Term:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if node.keywords or name not in (*_FUNCTIONS, "contains"):
            refuse(
                self.text,
                node,
                f"is no function of a question; there are {', '.join(_FUNCTIONS)} and contains",
            )
        if name == "contains":
            return self._contains(node)
        if len(node.args) != 1:
            refuse(self.text, node, "needs one argument")
        inner = self.number(node.args[0])
        return Term(f"{_FUNCTIONS[name]}({inner.sql})", inner.values, "number")

    def _contains(self, node: ast.Call) -> Term:
        """Whether a text holds another, whatever the case of its letters."""
        if len(node.args) != 2:
            refuse(self.text, node, 'needs two arguments, as in contains(device, "7B")')
        parts = [self.term(argument) for argument in node.args]
        for part, argument in zip(parts, node.args, strict=True):
            if part.kind not in ("text", "any"):
                refuse(self.text, argument, "is no text")
        where, what = parts
        return Term(
            f"(instr(lower({where.sql}), lower({what.sql})) > 0)", where.values + what.values, "truth"
        )

    def _name(self, node: ast.Name) -> Term:
        return self.vocabulary.named(node.id)

    def _subscript(self, node: ast.Subscript) -> Term:
        """attributes["any name"]."""
        if not (isinstance(node.value, ast.Name) and node.value.id == "attributes"):
            refuse(self.text, node, 'is not allowed in a question; only attributes["..."] has brackets')
        if not (isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str)):
            refuse(self.text, node, 'needs the name of an attribute in quotes, as in attributes["batch"]')
        return self.vocabulary.attribute(node.slice.value)

    def _constant(self, node: ast.Constant) -> Term:
        value = node.value
        if value is None:
            return Term("NULL", (), "none")
        if isinstance(value, bool):
            return Term("1" if value else "0", (), "truth")
        if isinstance(value, str):
            if "\x00" in value or not value.isprintable():
                refuse(self.text, node, "holds a character that cannot be seen")
            return Term("?", (value,), "text", constant=value)
        if isinstance(value, (int, float)) and math.isfinite(number := _float(value)):
            return Term("?", (number,), "number", constant=number)
        return refuse(self.text, node, "is no value of a question; use numbers and texts in quotes")


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
    vocabulary = Vocabulary(attributes)
    found = _Compiler(asked, vocabulary).truth(parse(asked))
    return Condition(found.sql, found.values, vocabulary.used)


def _float(value: int | float) -> float:
    """A number as SQLite takes it; infinite where it is too large."""
    try:
        return float(value)
    except OverflowError:
        return math.inf
