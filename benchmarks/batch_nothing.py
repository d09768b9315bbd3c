"""A device that costs no time, for `batch.py`: what is left is the engine."""


def nothing(_job, draft):
    """A result without a fit."""
    (draft / "result.json").write_text("{}")
    return "ok"


def nothing_to_report(_job, _draft):
    """Never called."""


def nothing_to_prepare():
    """Nothing to import."""
