"""The documentation says what the program does: every block of code on every page is run."""

import ast
import importlib.util
import json
import re
import sys
import tomllib
from pathlib import Path

import pytest
from PIL import Image

import memfit as mf
from memfit.analysis.figures_of_merit.rows import FIGURES_OF_MERIT
from memfit.model import EXTENSIONS, PART_NAMES
from memfit.reporting.fit.summary import parameters_answer

REPOSITORY = Path(__file__).parents[1]
DOCS = REPOSITORY / "docs"
GENERATED = {"api", "api_modules", "commands"}
PAGES = sorted(page for page in DOCS.glob("*.md") if page.stem not in GENERATED)
LANGUAGES = {"bash", "console", "python", "text", "toml"}


def load(name: str):
    """A program of the documentation, as a module."""
    spec = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


blocks = load("blocks")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_block_does_what_the_page_says(page):
    blocks.run_page(page)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_block_is_overlooked(page):
    text = page.read_text(encoding="utf-8")
    opened = [word for word in re.findall(r"^```(\S*)", text, flags=re.MULTILINE) if word]
    code = [word for word in opened if not word.startswith("{")]
    assert set(code) <= LANGUAGES, "a block of another language would not be run"
    assert len(blocks.blocks_of(text)) == len(code)


def test_the_runner_sees_other_output(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```python\nprint(1.01, 'volt')\n```\n\n```text\n1.0 volt\n```\n", encoding="utf-8")
    blocks.run_page(page)
    for wrong in ("1.1 volt", "1.0 ampere", "1.0 volt\nmore"):
        page.write_text(f"```python\nprint(1.01, 'volt')\n```\n\n```text\n{wrong}\n```\n", encoding="utf-8")
        with pytest.raises(blocks.PageError, match="the page says"):
            blocks.run_page(page)
    assert "1.01 volt" in blocks.run_page(page, update=True)


def test_the_runner_sees_other_output_of_commands(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```console\n$ printf 'a 1\\nb\\nc 200\\n'\na 1\n...\nc 201\n```\n", encoding="utf-8")
    blocks.run_page(page)
    page.write_text("```console\n$ printf 'a 1\\nb\\n'\na 1\n...\nc\n```\n", encoding="utf-8")
    with pytest.raises(blocks.PageError, match="printed is"):
        blocks.run_page(page)
    page.write_text("```bash\nfalse\n```\n", encoding="utf-8")
    with pytest.raises(blocks.PageError, match="ended with 1"):
        blocks.run_page(page)
    page.write_text("<!-- run first: touch x -->\n```bash\ntest -e x\n```\n", encoding="utf-8")
    blocks.run_page(page)
    page.write_text("<!-- run first: memfit fit nothing -->\n", encoding="utf-8")
    with pytest.raises(blocks.PageError, match="run first: memfit fit nothing: ended with 1"):
        blocks.run_page(page)
    page.write_text("<!-- not run: takes an hour -->\n```bash\nfalse\n```\n", encoding="utf-8")
    blocks.run_page(page)


def test_commands_and_floors_are_made_from_the_code():
    reference = load("reference")
    commands = reference.commands_page()
    for name in ("fit", "inspect", "convert", "simulate", "stability", "report", "app"):
        assert f"\n## memfit {name}\n" in commands
    assert "| `--fix NAME=VALUE` |" in commands
    assert "autofunction:: memfit.workflow.fitting.fit" in reference.api_page()
    assert [rooms for rooms in reference.floors() if "model" in rooms] == [["model", "datasets"]]
    assert not {room for rooms in reference.floors() for room in rooms} - set(reference.PURPOSES)


ROOMS = "|".join(path.stem for path in (REPOSITORY / "memfit").iterdir() if path.stem != "memfit")
WORDS = {"memfit.readers", "memfit.css", "memfit.mplstyle"}
"""A group of entry points and style sheets: no modules."""


def missing(text: str) -> set[str]:
    """Paths and dotted names of memfit in a text that do not exist."""
    absent = set()
    for name in set(re.findall(r"\bmemfit(?:/\w+)+(?:\.\w+)?(?![\w-])", text)) - WORDS:
        if not (REPOSITORY / name).exists() and not re.search(r"/\d+$", name):  # but a schema
            absent.add(name)
    for name in set(re.findall(rf"`((?:{ROOMS})/[\w/]+(?:\.\w+)?)`", text)):
        if not any(
            (REPOSITORY / folder / name).with_suffix(suffix).exists()
            for folder in ("memfit", "tests")
            for suffix in ("", ".py")
        ):
            absent.add(name)
    for name in set(re.findall(r"(?<![\w/.-])memfit(?:\.\w+)+", text)) - WORDS:
        file, *rest = name.split(".")
        path = REPOSITORY / file
        while rest and (path.is_dir() and ((path / rest[0]).is_dir() or (path / f"{rest[0]}.py").is_file())):
            part = rest.pop(0)
            path = path / part if (path / part).is_dir() else path / f"{part}.py"
        source = path if path.suffix else path / "__init__.py"
        if rest and not re.search(rf"\b{rest[0]}\b", source.read_text(encoding="utf-8")):
            absent.add(name)
    return absent


@pytest.mark.parametrize(
    "page",
    [*PAGES, *(REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "docs/reference.py"))],
    ids=lambda page: page.name,
)
def test_every_module_that_a_page_names_exists(page):
    assert missing(page.read_text(encoding="utf-8")) == set()


def test_every_module_that_a_docstring_names_exists():
    absent = {
        f"{path.relative_to(REPOSITORY)}: {name}"
        for path in (REPOSITORY / "memfit").rglob("*.py")
        for name in missing(path.read_text(encoding="utf-8"))
    }
    assert absent == set()


def test_the_table_of_rooms_is_complete():
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    rooms = set(re.findall(r"^\| `(memfit/[\w/]+(?:\.py)?)` \|", text.replace("/` |", "` |"), re.MULTILINE))
    package = REPOSITORY / "memfit"
    there = {path.parent for path in package.rglob("__init__.py")} - {package}
    there |= {path for path in package.glob("*.py") if not path.stem.startswith("__")}
    assert rooms == {path.relative_to(REPOSITORY).as_posix() for path in there}


def test_tables_of_the_gallery_name_examples_that_exist():
    named = re.findall(r"^\| `([\w/]+)` \|", (DOCS / "gallery.md").read_text(encoding="utf-8"), re.MULTILINE)
    there = {
        path.relative_to(REPOSITORY / "examples").with_suffix("").as_posix()
        for path in [*REPOSITORY.glob("examples/*.py"), *REPOSITORY.glob("examples/paper/fig*.py")]
    }
    assert set(named) == there


def test_the_gallery_counts_the_claims_of_the_figures():
    counted = dict(re.findall(r"`paper/fig(\d)` \|.*\| (\d+) \|", (DOCS / "gallery.md").read_text("utf-8")))
    rows = re.findall(r"^\| (\d)", (DOCS / "paper_figures.md").read_text("utf-8"), re.MULTILINE)
    assert counted == {figure: str(rows.count(figure)) for figure in "12345"}


def test_the_metadata_agree():
    version = re.search(r'__version__ = "([^"]+)"', (REPOSITORY / "memfit" / "__init__.py").read_text())[1]
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = (REPOSITORY / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version: {version}\n" in citation
    assert f"license: {project['license']}\n" in citation
    codemeta = json.loads((REPOSITORY / "codemeta.json").read_text(encoding="utf-8"))
    assert codemeta["version"] == version
    assert codemeta["softwareRequirements"] == project["dependencies"]
    newest = re.search(
        r"^## \[([^]]+)\] - (\d{4}-\d\d-\d\d)$", (REPOSITORY / "CHANGELOG.md").read_text("utf-8"), re.M
    )
    assert newest.groups() == (version, codemeta["dateModified"])
    assert f'date-released: "{newest[2]}"' in citation


def test_tables_of_the_paper_are_those_of_the_benchmarks():
    text = (DOCS / "paper" / "paper.md").read_text(encoding="utf-8")
    benchmarks = "\n".join(path.read_text(encoding="utf-8") for path in REPOSITORY.glob("benchmarks/*.md"))
    rows = re.findall(r"^\|.*\|$", text, re.MULTILINE)
    assert len(rows) > 15
    for row in rows:
        assert f"{row}\n" in benchmarks, row


def test_references_of_the_paper_exist():
    text = (DOCS / "paper" / "paper.md").read_text(encoding="utf-8")
    entries = re.findall(r"@\w+\{(\w+),", (DOCS / "paper" / "paper.bib").read_text(encoding="utf-8"))
    assert set(re.findall(r"@(\w+)", text.split("---", 2)[2])) == set(entries)


def test_the_glossary_has_every_word_of_a_report():
    """Every title of a column, status, kind, part and method, as the report spells them."""
    glossary = (DOCS / "glossary.md").read_text(encoding="utf-8").lower()
    words = tomllib.loads((REPOSITORY / "memfit/reporting/text.toml").read_text(encoding="utf-8"))
    tables = ("column", "status_of_estimate", "kind", "part", "method", "profile_class", "model")
    said = {word.split(" (")[0] for name in tables for word in words[name].values()}
    missing = {word for word in said if word.lower() not in glossary}
    assert missing == set()
    merits = (DOCS / "figures_of_merit.md").read_text(encoding="utf-8").lower()
    assert [name for name in FIGURES_OF_MERIT if name.lower() not in merits] == []


def test_a_referee_reads_the_claims_in_ten_minutes():
    """At two hundred words a minute."""
    assert len((DOCS / "review.md").read_text("utf-8").split()) < 2000


def test_the_picture_of_the_front_page_shows_the_numbers_of_today(sample_fits):
    """The parameters that were photographed are those of the sample device, to a tenth of their errors."""
    shown = dict(json.loads(Image.open(DOCS / "images" / "report.png").text["parameters"]))
    result = mf.read_result(sample_fits["mapbi3_c"].out)
    now = dict(parameters_answer(result).facts)
    assert shown.keys() == now.keys()
    for name, text in now.items():
        value, before = (float(re.match(r"[\d.]+", one.replace("−", "-"))[0]) for one in (text, shown[name]))
        error = result.parameters[name].stderr / result.parameters[name].value * value
        assert value == pytest.approx(before, abs=0.2 * error), name
        assert text.split()[-1] == shown[name].split()[-1], name


def test_every_part_has_its_row_with_its_parameters_and_null_values():
    text = (DOCS / "physics.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", text, re.MULTILINE))
    assert set(rows) == set(PART_NAMES)
    for part, names in EXTENSIONS.items():
        assert rows[part].split(", ") == list(names)
    for name in (
        "C(u)",
        r"\sinh",
        "I_{ph}",
        r"\kappa",
        "R_1 C_1",
        "i_{cn}",
        "p_k",
        "(s/w_r)^n",
        "exp(d_i t)",
    ):
        assert name in text


def test_other_programs_for_what_a_family_of_models_is_needed_for_are_named():
    text = (DOCS / "alternatives.md").read_text("utf-8")
    for name in (
        "optimPV", "PyBNF", "discopt", "PyCont-Lite", "BifurcationInference.jl", "memdevice-bench",
    ):  # fmt: skip
        (about,) = [
            part for part in text.split("\n## ") if re.search(rf"\b{name} (?:is|does|fits|goes)\b", part)
        ]
        assert re.search(r"\*\*Use (?:it|one of these)\s+when\*\*", about), name


def test_those_who_come_from_elsewhere_find_their_program():
    heads = re.findall(r"^## From (.+)$", (DOCS / "coming_from.md").read_text("utf-8"), re.MULTILINE)
    words = {word for head in heads for word in re.split(r"[ ,]+", head)}
    assert {"impedance.py", "DearEIS", "lmfit", "ZView"} <= words


def test_every_claim_has_its_test():
    """Each row of the page for referees names what was tested, and files or pages that there are."""
    text = (DOCS / "review.md").read_text("utf-8")
    rows = [row.strip("| ").split(" | ") for row in re.findall(r"^\| .+\|$", text, re.MULTILINE)]
    claims = [row for row in rows if row[0] != "claim"]
    assert len(claims) > 12
    for claim, against, where in claims:
        assert claim
        assert len(against) > 10
        for path in re.findall(r"`([\w./]+)`", where):
            assert (REPOSITORY / path).exists() or path.startswith("memfit "), path


def test_the_environment_is_activated_on_windows_too():
    for page in (REPOSITORY / "README.md", DOCS / "tutorial.md"):
        assert r".venv\Scripts\Activate.ps1" in page.read_text("utf-8")


def test_every_step_of_the_tutorial_that_draws_has_its_picture():
    """All but installing, the mistakes, which are sentences, and where to go on."""
    steps = dict(
        (step.split("\n", 1) for step in (DOCS / "tutorial.md").read_text("utf-8").split("\n## ")[1:]),
    )
    without = [name for name, text in steps.items() if "](images/" not in text]
    assert without == ["Install", "When a file is not understood", "Where to go on"]
    for text in steps.values():
        for picture in re.findall(r"\]\((images/[\w./]+)\)", text):
            assert (DOCS / picture).is_file(), picture


def test_a_release_is_held_against_what_is_promised():
    """One command: every Python from the oldest on, with the oldest dependencies that are allowed there."""
    tree = ast.parse((REPOSITORY / "noxfile.py").read_text("utf-8"))
    known = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id in ("PYTHONS", "FIRST_WITH_WHEELS")
    }
    sessions = {
        node.name: ast.unparse(node)
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and any("nox.session" in ast.unparse(d) for d in node.decorator_list)
    }
    assert set(sessions) == {"tests", "packages", "types", "style"}
    assert all("build(session)" in sessions[name] for name in ("tests", "packages", "types")), "the wheel"
    assert "'site-packages' in memfit.__file__" in sessions["tests"], "never the sources"
    assert "test_types_from_outside" in sessions["types"]
    assert "--noconftest" in sessions["types"], "a consumer has none of what the tests need"
    (build,) = (one for one in tree.body if isinstance(one, ast.FunctionDef) and one.name == "build")
    assert "'twine', 'check', '--strict'" in ast.unparse(build)
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == f">={known['PYTHONS'][0]}"
    assert known["PYTHONS"] == ("3.11", "3.12", "3.13")
    allowed = dict(requirement.split(">=") for requirement in project["dependencies"])
    for pins in known["FIRST_WITH_WHEELS"].values():
        for name, version in pins.items():
            numbers = [[int(n) for n in one.split(".")] for one in (version, allowed[name])]
            assert numbers[0] >= numbers[1], name
