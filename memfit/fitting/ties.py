"""Parameters that follow from others: ties = {"tau_k": "0.5 * tau_d"}, as lmfit writes its expressions.

The text is taken apart and checked; it is never run as a program, wherever it comes from. Known are the names
of parameters, numbers, + - * / **, and exp, log, sqrt. Every expression gives its derivatives by the
parameters, exactly.
"""

import ast
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from memfit.arrays import FloatArray
from memfit.errors import ParameterError, meant
from memfit.model import COLUMN, NAMES, PARAMETERS, Parameters

_LONGEST = 300
"""Characters of an expression."""
_MOST_PARTS = 100
_LARGEST = 1e100
"""Number in an expression."""

Dual = tuple[float, dict[str, float]]
"""A value and its derivatives by the parameters."""


@dataclass(frozen=True)
class Ties:
    """Parameters that follow from others, by name."""

    expressions: Mapping[str, str]

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.expressions)

    def values(self, p: Parameters) -> dict[str, Dual]:
        """Each tied parameter with its derivatives, at the values of the others; within the table's bounds.

        Parameters
        ----------
        p : Parameters
        """
        known = dict(zip(NAMES, p.as_array().tolist(), strict=True))
        return {name: _kept(name, _value(_parsed(text), known)) for name, text in self.expressions.items()}

    def applied(self, p: Parameters) -> Parameters:
        """The parameters with those that follow from others.

        Parameters
        ----------
        p : Parameters
        """
        return p.replace(**{name: value for name, (value, _) in self.values(p).items()}) if self else p

    def chained(self, derivatives: FloatArray, p: Parameters) -> FloatArray:
        """(n, p) derivatives by the parameters that stay, those through the tied ones included.

        Parameters
        ----------
        derivatives : (n, p) array
            By every parameter by itself, in the order of `NAMES`.
        p : Parameters
        """
        if not self:
            return derivatives
        whole = derivatives.copy()
        for name, (_, slopes) in self.values(p).items():
            for other, slope in slopes.items():
                whole[:, COLUMN[other]] += slope * derivatives[:, COLUMN[name]]
        return whole


UNTIED = Ties({})


def tie_faults(ties: Mapping[str, str], taken: Collection[str]) -> list[str]:
    """What is wrong with expressions that someone wrote, a sentence each.

    Parameters
    ----------
    ties : mapping of str to str
        Expression by the name of the parameter.
    taken : collection of str
        Parameters that are held, bounded or started.
    """
    wrong = []
    for name, text in ties.items():
        if name not in PARAMETERS:
            wrong.append(f"ties: unknown parameter {name}; {meant(str(name), NAMES).removesuffix('.')}")
            continue
        if name in taken:
            wrong.append(f"{name}: either tied, or fixed, bounded or started, not both")
        try:
            names = names_in(text)
        except ParameterError as problem:
            wrong.append(f"ties of {name}: {problem}")
            continue
        chained = sorted(names & set(ties))
        if not names:
            wrong.append(f"ties of {name}: {text!r} names no parameter; to hold it say fix")
        elif chained:
            wrong.append(f"ties of {name}: it follows from {', '.join(chained)}, which is tied itself")
    return wrong


def names_in(text: str) -> set[str]:
    """The parameters that an expression names.

    Parameters
    ----------
    text : str

    Raises
    ------
    ParameterError
        It is no expression, or holds something that is not known here.
    """
    return {node.id for node in ast.walk(_parsed(text)) if isinstance(node, ast.Name)} - set(_FUNCTIONS)


@lru_cache(maxsize=256)
def _parsed(text: str) -> ast.expr:
    """An expression taken apart, with every part checked."""
    written = str(text)
    sentence = f"expected an expression such as '0.5 * tau_d', found {written[:60]!r}"
    if len(written) > _LONGEST:
        raise ParameterError(sentence)
    try:
        whole = ast.parse(written.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as problem:
        raise ParameterError(sentence) from problem
    nodes = list(ast.walk(whole))
    if len(nodes) > _MOST_PARTS:
        raise ParameterError(f"the expression has {len(nodes)} parts; expected at most {_MOST_PARTS}")
    heads = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    for node in nodes:
        if isinstance(node, ast.Name) and id(node) not in heads and node.id not in PARAMETERS:
            raise ParameterError(f"unknown parameter {node.id}; {meant(node.id, NAMES).removesuffix('.')}")
        if not _is_known(node):
            raise ParameterError(
                f"{written[:60]!r} holds more than parameters, numbers, + - * / ** and exp, log, sqrt"
            )
    return whole


def _is_known(node: ast.AST) -> bool:
    """Whether a part of an expression may stand in it."""
    if isinstance(node, ast.Call):
        plain = isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS
        return plain and len(node.args) == 1 and not node.keywords
    if isinstance(node, ast.Constant):
        value = node.value
        return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST
    known = (ast.BinOp, ast.UnaryOp, ast.Name, ast.Load, *_OPERATORS, ast.USub, ast.UAdd)
    return isinstance(node, known)


def _value(node: ast.expr, known: Mapping[str, float]) -> Dual:
    """Value and derivatives of a checked expression; not a number where it has none."""
    if isinstance(node, ast.Constant):
        return float(node.value), {}  # type: ignore[arg-type]
    if isinstance(node, ast.Name):
        return known[node.id], {node.id: 1.0}
    if isinstance(node, ast.UnaryOp):
        value, slopes = _value(node.operand, known)
        sign = -1.0 if isinstance(node.op, ast.USub) else 1.0
        return sign * value, {name: sign * slope for name, slope in slopes.items()}
    if isinstance(node, ast.Call):
        value, slopes = _value(node.args[0], known)
        function, derivative = _FUNCTIONS[node.func.id]  # type: ignore[attr-defined]
        return function(value), {name: derivative(value) * slope for name, slope in slopes.items()}
    left, right = (_value(part, known) for part in (node.left, node.right))  # type: ignore[attr-defined]
    return _OPERATORS[type(node.op)](left, right)  # type: ignore[attr-defined]


def _sum(a: Dual, b: Dual) -> Dual:
    return a[0] + b[0], _mixed(a, b, 1.0, 1.0)


def _difference(a: Dual, b: Dual) -> Dual:
    return a[0] - b[0], _mixed(a, b, 1.0, -1.0)


def _product(a: Dual, b: Dual) -> Dual:
    return a[0] * b[0], _mixed(a, b, b[0], a[0])


def _quotient(a: Dual, b: Dual) -> Dual:
    over = 1.0 / b[0] if b[0] else math.nan
    return a[0] * over, _mixed(a, b, over, -a[0] * over * over)


def _power(a: Dual, b: Dual) -> Dual:
    try:
        value = float(a[0] ** b[0])
        slope = b[0] * a[0] ** (b[0] - 1.0) if b[0] else 0.0
        by_exponent = value * math.log(a[0]) if b[1] else 0.0
    except (ValueError, OverflowError, ZeroDivisionError, TypeError):
        return math.nan, {}
    return value, _mixed(a, b, slope, by_exponent)


def _mixed(a: Dual, b: Dual, by_a: float, by_b: float) -> dict[str, float]:
    """The chain rule for two arguments."""
    return {n: by_a * a[1].get(n, 0.0) + by_b * b[1].get(n, 0.0) for n in {**a[1], **b[1]}}


def _exponential(v: float) -> float:
    return math.exp(min(v, 700.0))


def _logarithm(v: float) -> float:
    return math.log(v) if v > 0.0 else math.nan


def _root(v: float) -> float:
    return math.sqrt(v) if v >= 0.0 else math.nan


def _slope_of_logarithm(v: float) -> float:
    return 1.0 / v if v else math.nan


def _slope_of_root(v: float) -> float:
    return 0.5 / math.sqrt(v) if v > 0.0 else 0.0


_OPERATORS: Mapping[type[ast.operator], Callable[[Dual, Dual], Dual]] = {
    ast.Add: _sum,
    ast.Sub: _difference,
    ast.Mult: _product,
    ast.Div: _quotient,
    ast.Pow: _power,
}
Function = Callable[[float], float]
_FUNCTIONS: Mapping[str, tuple[Function, Function]] = {
    "exp": (_exponential, _exponential),
    "log": (_logarithm, _slope_of_logarithm),
    "sqrt": (_root, _slope_of_root),
}
"""Each with its derivative."""


def _kept(name: str, dual: Dual) -> Dual:
    """A value within the bounds of the table, at whose edge it stands still; its middle where it has none."""
    value, slopes = dual
    low, high = PARAMETERS[name].bounds
    if not np.isfinite(value):
        return PARAMETERS[name].typical, {}
    return (value, slopes) if low <= value <= high else (min(max(value, low), high), {})
