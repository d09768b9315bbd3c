"""Words of the page, which stand in text.toml."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

_TEXT: Mapping[str, Any] = tomllib.loads((files("memfit.app") / "text.toml").read_text(encoding="utf-8"))
WORDS: Mapping[str, str] = _TEXT["words"]
"""Sentences and labels by key."""
KINDS: Mapping[str, str] = _TEXT["kind"]
"""Kinds of records, in a word."""
LIGHTS: Mapping[str, str] = _TEXT["light"]
"""What a verdict of the Kramers-Kronig test is called."""
