"""Questions to the index: what they mean, and that nothing but a question ever gets through."""

import ast
import operator
import re
import sqlite3
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memfit.batch.columns import COLUMNS
from memfit.batch.query import compile_expression
from memfit.batch.store import functions
from memfit.errors import InputError

ATTRIBUTES = ["batch", "thickness", "my note", "status"]
DEVICES = [
    {"folder": "a", "device": "7A", "R_b": 1e4, "gain_margin_min": 0.9, "status": "ok", "usable": 1},
    {"folder": "b", "device": "7B", "R_b": 2e4, "gain_margin_min": 1.5, "status": "at_bound", "usable": 1},
    {"folder": "c", "device": "8A", "R_b": None, "gain_margin_min": None, "status": "ok", "usable": 0},
]
VALUES = [
    ("a", "batch", "7"), ("b", "batch", "8"), ("a", "thickness", 300.0), ("b", "thickness", "unknown"),
    ("c", "my note", "o'clock"), ("c", "status", "lost"),
]  # fmt: skip
TOKENS = re.compile(
    r"\?|\(|\)|,|<=|>=|<>|<|>|=|\+|-|\*|/|\b(AND|OR|NOT|IS|NULL|IN|CASE|WHEN|THEN|END|SELECT|FROM|WHERE|AS|value"
    r"|attributes|devices|folder|name|a|typeof|instr|lower|abs|memfit_log10|memfit_sqrt|memfit_power)\b|\.|[01]"
    r"|'integer'|'real'|'text'|\s+"
)


@pytest.fixture(scope="module")
def base():
    connection = sqlite3.connect(":memory:")
    for name, (count, function) in functions().items():
        connection.create_function(name, count, function, deterministic=True)
    connection.execute(f"CREATE TABLE devices ({', '.join(COLUMNS)})")
    connection.execute("CREATE TABLE attributes (folder, name, value)")
    for device in DEVICES:
        row = [device.get(name) for name in COLUMNS]
        connection.execute(f"INSERT INTO devices VALUES ({', '.join('?' * len(row))})", row)
    connection.executemany("INSERT INTO attributes VALUES (?, ?, ?)", VALUES)
    yield connection
    connection.close()


def ask(base, text):
    found = compile_expression(text, ATTRIBUTES)
    rows = base.execute(f"SELECT folder FROM devices WHERE {found.sql} ORDER BY folder", found.values)
    return "".join(folder for (folder,) in rows)


@pytest.mark.parametrize(
    ("text", "folders"),
    [
        ("gain_margin_min < 1", "a"),
        ("not gain_margin_min < 1", "b"),
        ("gain_margin_min is None", "c"),
        ("gain_margin_min != None", "ab"),
        ("0.5 < gain_margin_min <= 1.5", "ab"),
        ('status == "ok" and usable', "a"),
        ('status in ("ok", "at_bound") and not usable', "c"),
        ('status not in ["ok"]', "b"),
        ('R_b >= "20 kohm"', "b"),
        ('"10 kohm" == R_b', "a"),
        ("R_b * 2 > 3e4 or device == '8A'", "bc"),
        ("R_b / 1e4 - 1 == 0", "a"),
        ("log10(R_b) == 4 and sqrt(R_b) == 100 and abs(-R_b) == R_b", "a"),
        ("R_b ** 2 == 1e8", "a"),
        ("1 / 2 == 0.5", "abc"),
        ("R_b / 0 > 1", ""),
        ('contains(device, "a")', "ac"),
        ('batch == "7"', "a"),
        ('batch != "7"', "b"),
        ("thickness > 200", "a"),
        ("thickness * 2 == 600", "a"),
        ('thickness == "unknown"', "b"),
        ('attributes["my note"] == "o\'clock"', "c"),
        ('attributes["status"] == "lost"', "c"),
        ("batch is None", "c"),
        ("True and usable == True", "ab"),
        ("  gain_margin_min\n< 1", ""),
    ],
)
def test_meaning(base, text, folders):
    if "\n" in text:
        with pytest.raises(InputError):
            ask(base, text)
    else:
        assert ask(base, text) == folders


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("gain_margin < 1", "did you mean 'gain_margin_"),
        ("r_b > 1", "did you mean 'R_b'?"),
        ("status == okay", "a text needs quotes"),
        ("R_b", "is no condition"),
        ("1", "is no condition"),
        ('R_b > "10 nF"', "R_b: Expected a unit of resistance"),
        ("device > 3", "is a number, but device is a text"),
        ('points > "three"', "is a text, but points is a number"),
        ('attributes["btach"] == "7"', "did you mean 'batch'?"),
        ("attributes[0] == 1", "needs the name of an attribute in quotes"),
        ("", "cannot be read"),
        ("R_b >", "cannot be read"),
        ("R_b > > 3", "cannot be read at column 7"),
        ("R_b = 3", "equality is written =="),
        ("R_b > 10 kohm", 'a quantity with its unit needs quotes, as in R_b > "10 kohm"'),
        ("area > 1mm^2", "needs quotes"),
        ("R_b > 1 and", "cannot be read: invalid syntax"),
        ('R_b > "1 kohm" and', "invalid syntax"),
        ("R_b > 1; DROP TABLE devices", "cannot be read"),
        ("__import__('os').system('true') == 0", "is no function of a question"),
        ("().__class__ == 1", "is not allowed in a question"),
        ("(lambda: 1)() == 1", "is no function"),
        ("[x for x in (1,)] == 1", "is not allowed"),
        ("f'{R_b}' == '1'", "is not allowed"),
        ("(R_b := 3) > 1", "is not allowed"),
        ("R_b if usable else 1", "is not allowed"),
        ("R_b % 2 == 1", "there are + - * /"),
        ("~R_b == 1", "say not"),
        ("R_b is 3", "cannot stand behind is"),
        ("R_b < None", "say is None"),
        ("status in 'ok'", "must be a list"),
        ("b'x' == device", "is no value"),
        ("1j == R_b", "is no value"),
        ("1e999 == R_b", "is no value"),
        ("'\\x00' == device", "a character that cannot be seen"),
        ("abs(R_b, 1) == 1", "needs one argument"),
        ("contains(device) and usable", "needs two arguments"),
        ("contains(R_b, 'x')", "is no text"),
        ("-" * 200 + "1 == 1", "levels deep"),
        ("(" * 500 + "1" + ")" * 500, "cannot be read"),
        ("R_b > 1 and " * 300 + "R_b > 1", "expected at most"),
    ],
)
def test_what_is_refused(text, said):
    with pytest.raises(InputError, match=re.escape(said)):
        compile_expression(text, ATTRIBUTES)


def only_known_tokens(sql):
    for name in sorted(COLUMNS, key=len, reverse=True):
        sql = re.sub(rf"\b{name}\b", "?", sql)
    return not TOKENS.sub("", sql)


def compiled_or_refused(text):
    try:
        return compile_expression(text, ATTRIBUTES)
    except InputError as problem:
        return problem


pieces = st.sampled_from(
    [
        "R_b", "status", "batch", "usable", "'; DROP TABLE devices; --", '"x"', "1", "2.5", "and", "or",
        "not",
        "(", ")", "<", "==", "in", "is", "None", "+", "*", "**", "-", ",", "abs(", "contains(", "attributes[",
        "]", "__import__('os')", ".system", "lambda", ":", "'o''clock'", "SELECT", "--", "/*", "\x00", "\\",
    ]
)  # fmt: skip
texts = st.one_of(
    st.text(max_size=60),
    st.text(string.printable, max_size=60),
    st.lists(pieces, max_size=12).map(" ".join),
)


@settings(max_examples=400, deadline=None)
@given(texts)
def test_any_text_is_refused_in_a_sentence_or_becomes_harmless_sql(text):
    found = compiled_or_refused(text)
    if isinstance(found, InputError):
        assert str(found).endswith((".", "?"))
        return
    assert only_known_tokens(found.sql), found.sql
    assert found.sql.count("?") == len(found.values)


OPERATORS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq}
numbers = st.sampled_from(["R_b", "gain_margin_min", "1", "1.5", "2e4", "(R_b / 2)", "(gain_margin_min + 1)"])
comparisons = st.tuples(numbers, st.sampled_from(list(OPERATORS)), numbers).map(" ".join)
questions = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda p: f"({' '.join(p)})"),
        inner.map(lambda p: f"(not {p})"),
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(questions)
def test_where_everything_is_known_it_means_what_python_means(base, text):
    expected = "".join(
        device["folder"]
        for device in DEVICES[:2]
        if eval(compile(ast.parse(text, mode="eval"), "", "eval"), {}, device)
    )
    assert ask(base, f"R_b is not None and ({text})") == expected
