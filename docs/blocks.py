"""Runs the code blocks of the documentation, and compares what they print with what the page says.

    python docs/blocks.py docs/tutorial.md             run a page
    python docs/blocks.py --update docs/tutorial.md    write what is printed into the page

- `console`: lines after "$ " are commands, what follows is their output on the terminal. A line "..." stands
  for any number of lines. Numbers may differ by a little (other processors, other libraries), words may not.
- `python`: runs in one namespace a page; a `text` block right after it is what it prints.
- `bash`: a script that must succeed; an installation must be that of README.md, which `.ci/run` carries out.
- `toml` whose first line is a comment with a path is written there; every other one must be valid.

Each page runs in a folder of its own that has `sample_data` and `examples`. Pictures that blocks make and the
page shows lie in `docs/images`. A comment `<!-- run first: command -->` makes what a page takes for granted,
such as a result. A block after `<!-- not run: reason -->` is not run. `tests/test_docs.py` runs all pages.
"""

import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from itertools import groupby, zip_longest
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[1]
TOLERANCE = 0.02
"""Relative difference of numbers that is not worth a word."""

_FENCE = re.compile(
    r"(?P<skip><!-- not run: [^>]+ -->\n+)?^```(?P<language>\w+)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_FIRST = re.compile(r"<!-- run first: (.+?) -->")
_NUMBER = re.compile(r"[-−+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
_GAP = "..."
_ONCE = "The integrator is compiled now"  # said after installation only


class PageError(AssertionError):
    """A block does not do what the page says."""


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    language: str
    body: str
    span: tuple[int, int]
    """Where the body stands in the page."""
    line: int
    skipped: bool


def blocks_of(text: str) -> list[Block]:
    """The fenced blocks of a page, directives of Sphinx left out."""
    return [
        Block(
            match["language"],
            match["body"],
            match.span("body"),
            text.count("\n", 0, match.start("language")) + 1,
            match["skip"] is not None,
        )
        for match in _FENCE.finditer(text)
    ]


def run_page(page: Path, *, update: bool = False) -> str:
    """Run all blocks of a page in a folder of their own; the page's text, with new output if `update`.

    Raises
    ------
    PageError
        A block fails or prints something else.
    """
    text = page.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        for name in ("sample_data", "examples"):
            Path(name).symlink_to(REPOSITORY / name, target_is_directory=True)
        for command in _FIRST.findall(text):
            _command(command, f"{page.name}, run first: {command}", must_succeed=True)
        changes = _run_blocks(page.name, text, update=update)
        _check_pictures(page, text, update=update)
    for (start, end), body in reversed(changes):
        text = text[:start] + body + text[end:]
    return text


def _check_pictures(page: Path, text: str, *, update: bool) -> None:
    """Every picture that a block makes stands on the page; with `update` it is put beside it.

    Raises
    ------
    PageError
        A block makes a picture that the page does not show, or one of another size.
    """
    for made in sorted(Path().glob("*.png")):
        shown = page.parent / "images" / made.name
        if f"](images/{made.name})" not in text:
            continue
        if update:
            shutil.copy(made, shown)
        if not shown.is_file() or shown.read_bytes()[16:24] != made.read_bytes()[16:24]:  # width and height
            raise PageError(f"{page.name}: images/{made.name} is not what the block makes; use --update.")


def _run_blocks(page: str, text: str, *, update: bool) -> list[tuple[tuple[int, int], str]]:
    """Run the blocks of a page in this folder; places of outputs, and what belongs there."""
    blocks = blocks_of(text)
    namespace: dict[str, Any] = {"__name__": page}
    changes: list[tuple[tuple[int, int], str]] = []
    for block, following in zip_longest(blocks, blocks[1:]):
        where = f"{page}, line {block.line}"
        if block.skipped:
            continue
        if block.language == "console":
            changes.append((block.span, _console(block.body, where, update=update)))
        elif block.language == "python":
            printed = _python(block.body, where, namespace)
            if following is not None and following.language == "text" and _touch(text, block, following):
                changes.append((following.span, _checked(following.body, printed, where, update=update)))
        elif block.language == "bash":
            _script(block.body, where)
        elif block.language == "toml":
            _settings(block.body)
    return changes


def _touch(text: str, block: Block, following: Block) -> bool:
    """Whether nothing stands between two blocks but the fences."""
    return not text[block.span[1] : following.span[0]].replace("```text", "").strip("`\n ")


def _console(body: str, where: str, *, update: bool) -> str:
    """Run the commands of a console block."""
    done = []
    for part in filter(None, re.split(r"^(?=\$ )", body, flags=re.MULTILINE)):
        command, _, expected = part.partition("\n")
        if not command.startswith("$ "):
            raise PageError(f"{where}: a console block begins with a command after '$ ', found {command!r}")
        printed = _command(command[2:], where)
        done.append(f"{command}\n{_checked(expected, printed, f'{where}: {command}', update=update)}")
    return "".join(done)


def _command(command: str, where: str, *, must_succeed: bool = False) -> str:
    """What a command writes on the terminal; memfit runs in this process, which saves its imports."""
    words = shlex.split(command)
    if words[0] != "memfit" or any(word in "|>&;" for word in words):
        return _shell(command, where, must_succeed=must_succeed)
    from memfit.cli.main import main  # noqa: PLC0415 - only once the path is set

    terminal = io.StringIO()
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "100"
    code: object = 0
    try:
        with redirect_stdout(terminal), redirect_stderr(terminal):
            code = main(words[1:])
    except SystemExit as end:  # --help and mistakes in usage
        code = end.code
    finally:
        os.environ.pop("COLUMNS") if before is None else os.environ.update(COLUMNS=before)
    if must_succeed and code:
        raise PageError(f"{where}: ended with {code}:\n{terminal.getvalue()}")
    return terminal.getvalue()


def _script(body: str, where: str) -> None:
    """Run a block of bash; an installation must be one of the README, which `.ci/run` carries out."""
    if not body.startswith("python3 -m venv"):
        _shell(body, where, must_succeed=True)
    elif body.strip() not in (REPOSITORY / "README.md").read_text(encoding="utf-8"):
        raise PageError(f"{where}: README.md installs in another way")


def _shell(script: str, where: str, *, must_succeed: bool) -> str:
    """What a shell script writes on the terminal."""
    bash = shutil.which("bash")
    if bash is None:
        raise PageError(f"{where}: needs bash")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        [bash, "-euo", "pipefail", "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env={**os.environ, "PATH": path, "COLUMNS": "100"},
    )
    if must_succeed and done.returncode != 0:
        raise PageError(f"{where}: ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def _python(body: str, where: str, namespace: dict[str, Any]) -> str:
    """What a block of Python prints."""
    printed = io.StringIO()
    try:
        with redirect_stdout(printed):
            exec(compile(body, where, "exec"), namespace)  # noqa: S102 - our own pages
    except Exception as problem:
        raise PageError(f"{where}: {type(problem).__name__}: {problem}") from problem
    return printed.getvalue()


def _settings(body: str) -> None:
    """Check a block of TOML, and write it where its first line says."""
    tomllib.loads(body)
    first = re.match(r"# (\S+\.toml)\n", body)
    if first:
        file = Path(first[1])
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(body, encoding="utf-8")


def _checked(expected: str, printed: str, where: str, *, update: bool) -> str:
    """The expected output if the printed one agrees, or the printed one where the page is updated."""
    said = [line.rstrip() for line in printed.splitlines() if _ONCE not in line]
    wanted = expected.splitlines()
    found = _aligned(wanted, said)
    if found is not None:
        return "".join(f"{line}\n" for line in found) if update else expected
    if update and _GAP not in wanted:
        return "".join(f"{line}\n" for line in said)
    raise PageError(f"{where}: the page says\n{expected}\nbut printed is\n" + "\n".join(said))


def _aligned(wanted: list[str], said: list[str]) -> list[str] | None:
    """The printed lines in the places of the wanted ones, gaps kept; None where they disagree.

    Word by word: where a line is broken depends on the digits before it.
    """
    words = [(word, row) for row, line in enumerate(said) for word in line.split()]
    parts = [list(lines) for gap, lines in groupby(wanted, key=lambda line: line == _GAP) if not gap]
    starts_open, ends_open = _GAP in wanted[:1], _GAP in wanted[-1:]
    result, at = [_GAP] * starts_open, 0
    for number, part in enumerate(parts):
        sought = " ".join(part).split()
        anchored = number == 0 and not starts_open
        last = number == len(parts) - 1 and not ends_open
        places = [at] if anchored else range(at, len(words) - len(sought) + 1)
        if last and not anchored:
            places = [len(words) - len(sought)]
        for place in places:
            taken = words[place : place + len(sought)] if place >= at else []
            if len(taken) == len(sought) and all(
                agree(a, b) for a, (b, _) in zip(sought, taken, strict=True)
            ):
                break
        else:
            return None
        at = place + len(sought)
        if last and at != len(words):
            return None
        rows = [row for _, row in taken]
        result += [*said[rows[0] : rows[-1] + 1], *[_GAP] * (not last)] if rows else []
    return result if parts or starts_open or not words else None


def agree(wanted: str, said: str) -> bool:
    """Whether two texts have the same words, and numbers that hardly differ."""
    if _NUMBER.sub("#", wanted).split() != _NUMBER.sub("#", said).split():
        return False
    pairs = zip(_NUMBER.findall(wanted), _NUMBER.findall(said), strict=True)
    return all(_near(*(float(word.replace("−", "-")) for word in pair)) for pair in pairs)


def _near(a: float, b: float) -> bool:
    """Whether two numbers agree; small whole ones, such as digits of an uncertainty, to a half of them."""
    if a == int(a) and b == int(b) and max(abs(a), abs(b)) < 100:
        return abs(a - b) <= 1 + 0.5 * max(abs(a), abs(b))
    return abs(a - b) <= TOLERANCE * max(abs(a), abs(b))


def main(words: list[str]) -> int:
    """Run or update pages."""
    update = "--update" in words
    for name in (word for word in words if word != "--update"):
        page = Path(name).resolve()
        text = run_page(page, update=update)
        if update:
            page.write_text(text, encoding="utf-8")
        print(f"{page.name}: {'updated' if update else 'as printed'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
