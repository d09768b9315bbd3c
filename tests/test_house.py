"""The house keeps its limits: no circle, no long chain of imports, no long file, one list of parameters.

Every module with logic has a test file that mirrors it: `model/steady.py` has `tests/model/test_steady.py`.
"""

import ast
from functools import cache
from pathlib import Path

from memfit.model import PARAMETERS

REPOSITORY = Path(__file__).parents[1]
PACKAGE = REPOSITORY / "memfit"
FILES = sorted(PACKAGE.rglob("*.py"))

LONGEST_FILE = 450
"""Lines."""
LONGEST_CHAIN = 14
"""Files, each of which imports the next; to be lowered whenever it can be."""
LOGIC = 40
"""Statements from which a module has a test file of its own."""

WITHOUT_MIRROR = {
    "app/autosave": "app/test_session",
    "app/page": "app/test_screens",
    "app/serve": "app/test_doorway",
    "app/work": "app/test_worker",
    "batch/columns": "batch/test_store",
    "cli/console": "cli/test_commands",
    "cli/inspect": "cli/test_commands",
    "cli/main": "cli/test_bad_input",
    "cli/text_output": "cli/test_commands",
    "fitting/findings": "fitting/test_serialise",
    "fitting/combinations": "fitting/test_identifiability",
    "fitting/handed": "fitting/test_result",
    "fitting/tied": "fitting/test_ties",
    "fitting/exploration": "fitting/test_identifiability",
    "loaders/columns_setting": "loaders/tables/test_choice",
    "loaders/raw": "loaders/test_registry",
    "loaders/spectra": "loaders/test_formats",
    "loaders/sweeps": "loaders/test_formats",
    "loaders/transients": "loaders/test_formats",
    "reporting/fit/report": "reporting/fit/test_summary",
    "workflow/batch": "batch/test_run",
    "workflow/fitting": "test_workflow",
    "workflow/reading": "test_workflow",
    "workflow/reports": "test_workflow",
}
"""Modules with logic that are tested together with others, and where; no new ones."""
TOGETHER = {
    "app/screens": "app/test_screens",
    "loaders/formats": "loaders/test_formats",
    "model/integrator": "model/test_accuracy",
    "model/parts": "model/parts/test_parts",
}
"""Rooms whose modules are alike: a reader a format, tested by the files it reads; a part of the device;
the compiled steps; a screen a module, tested in a browser."""

LISTS_OF_NAMES = {
    "fitting/combinations": "the products of the equations that data see",
    "fitting/exploration": "directions of the equations along which data see little",
    "fitting/part_starts": "first values of parts, measured on other parameters",
    "fitting/steady_start": "unknowns of the steady current, which is linear in them",
    "fitting/starting_values": "unknowns of the small signal, which is linear in them",
    "model/derived": "powers of parameters",
    "model/hopf_boundary": "the loop as powers of parameters",
    "model/integrator/equation": "the equation as compiled",
}
"""Modules in which parameters stand as terms of an equation, and which."""


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def name_of(path: Path) -> str:
    """The dotted name of a module."""
    return ".".join(path.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__init__")


MODULES = {name_of(path): path for path in FILES}


def is_docstring(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def statements(path: Path) -> int:
    return sum(isinstance(node, ast.stmt) and not is_docstring(node) for node in ast.walk(tree(path)))


@cache
def imports(module: str, *, late: bool) -> frozenset[str]:
    """Modules of memfit that a module imports; `late`: in its functions and for its types too.

    The faces (`__init__.py`) only hand names on, those of memfit itself when they are first used.
    """
    found, nodes = set(), [*tree(MODULES[module]).body]
    while nodes:
        node = nodes.pop()
        is_late = isinstance(node, ast.FunctionDef) or (
            isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        )
        if late or not is_late:
            nodes += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else node.module for name in names}
    return frozenset(name for name in found & set(MODULES) if name != module and not is_face(name))


def is_face(module: str) -> bool:
    return MODULES[module].name == "__init__.py"


def longest_chains(*, late: bool) -> dict[str, tuple[str, ...]]:
    """The longest chain of imports from each module down; a circle fails."""
    known: dict[str, tuple[str, ...]] = {}

    def follow(module: str, above: tuple[str, ...]) -> tuple[str, ...]:
        assert module not in above, f"a circle: {' > '.join([*above, module])}"
        if module not in known:
            below = [follow(name, (*above, module)) for name in imports(module, late=late)]
            known[module] = (module, *max(below, key=len, default=()))
        return known[module]

    for module in MODULES:
        follow(module, ())
    return known


def mirror(path: Path) -> Path:
    """The test file of a module."""
    inside = path.relative_to(PACKAGE)
    return REPOSITORY / "tests" / inside.parent / f"test_{inside.stem}.py"


def test_every_module_with_logic_has_its_test_file():
    missing = []
    for path in FILES:
        name = path.relative_to(PACKAGE).with_suffix("").as_posix()
        known = {*WITHOUT_MIRROR, *TOGETHER}
        if path.stem != "__init__" and statements(path) >= LOGIC and not mirror(path).is_file():
            missing += [name] if not known & {name, name.rpartition("/")[0]} else []
    assert missing == []


def test_what_is_tested_together_is_tested():
    for module, test in {**WITHOUT_MIRROR, **TOGETHER}.items():
        assert (REPOSITORY / "tests" / f"{test}.py").is_file(), module


def test_no_file_is_too_long_to_read():
    lines = {
        path.relative_to(PACKAGE).as_posix(): len(path.read_text("utf-8").splitlines()) for path in FILES
    }
    assert {name: count for name, count in lines.items() if count > LONGEST_FILE} == {}


def test_imports_have_no_circle():
    assert set(longest_chains(late=True)) == set(MODULES)


def test_no_chain_of_imports_is_too_long_to_follow():
    longest = max(longest_chains(late=False).values(), key=len)
    assert len(longest) <= LONGEST_CHAIN, " > ".join(longest)


def test_parameters_are_listed_in_their_table_only():
    listing = set()
    for path in FILES:
        for node in ast.walk(tree(path)):
            items = node.elts if isinstance(node, (ast.Tuple, ast.List, ast.Set)) else []
            items = [key for key in node.keys if key is not None] if isinstance(node, ast.Dict) else items
            names = {item.value for item in items if isinstance(item, ast.Constant)} & set(PARAMETERS)
            if len(names) >= 3:
                listing.add(path.relative_to(PACKAGE).with_suffix("").as_posix())
    assert listing - set(LISTS_OF_NAMES) - {"model/parameters"} == set()


NEW_IN_NUMPY_2 = """
acos acosh asin asinh astype atan atan2 atanh bitwise_count bitwise_invert bitwise_left_shift
bitwise_right_shift concat cumulative_prod cumulative_sum isdtype matrix_transpose matvec permute_dims pow
trapezoid unique_all unique_counts unique_inverse unique_values unstack vecdot vecmat
"""


def test_nothing_is_used_that_the_oldest_numpy_lacks():
    """`pyproject.toml` allows numpy 1.26; the newest one would not tell."""
    assert '"numpy>=1.26"' in (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    used = {
        (str(file.relative_to(REPOSITORY)), node.attr)
        for file in (*FILES, *(REPOSITORY / "tests").rglob("*.py"), *(REPOSITORY / "examples").rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "np"
    }
    assert {(file, name) for file, name in used if name in NEW_IN_NUMPY_2.split()} == set()
