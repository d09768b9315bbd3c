"""What README.md says is true: its example runs, its commands and files exist."""

import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

from memfit.cli.main import build_parser
from memfit.loaders.manifest import read_manifest

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_the_python_example_runs(tmp_path, monkeypatch, capsys):
    (code,) = blocks("python")
    (tmp_path / "sample_data").symlink_to(REPOSITORY / "sample_data", target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    plt.switch_backend("agg")
    exec(compile(code, "README.md", "exec"), {})
    plt.close("all")
    said = capsys.readouterr().out
    assert float(said.splitlines()[0]) == pytest.approx(26e-3, rel=0.05)
    assert "Under current control the device oscillates" in said
    assert len(code.strip().splitlines()) <= 25
    for name in ("out_python/report.html", "mine.png", "correlation.csv"):
        assert (tmp_path / name).is_file()


def test_two_commands_install_and_run():
    first, second = re.findall(r"^python3 -m venv.*$", README, flags=re.MULTILINE)
    assert "pip install . && memfit fit sample_data/mapbi3_c -o out" in first
    assert second.endswith('pip install -e ".[test]" && pytest -n 2 --dist loadfile')


def test_every_command_is_there(capsys):
    for words in re.findall(r"^\| `memfit (\w+)", README, flags=re.MULTILINE):
        with pytest.raises(SystemExit) as end:
            build_parser()[0].parse_args([words, "--help"])
        assert end.value.code == 0, words
    capsys.readouterr()


def test_every_file_that_is_named_exists():
    for name in re.findall(r"`((?:sample_data|docs)/[\w./]+|[A-Z]+\.md)`|\]\(([\w./]+)\)", README):
        path = next(part for part in name if part)
        assert (REPOSITORY / path).exists(), path


def test_a_settings_file_as_shown(tmp_path):
    (text,) = blocks("toml")
    (tmp_path / "device.toml").write_text(text, encoding="utf-8")
    (tmp_path / "eis_080.csv").write_text("")
    manifest = read_manifest(tmp_path / "device.toml")
    assert manifest.name == "MAPbI3 7B"
    assert manifest.fit.fix == {"R_s": 20.0}
