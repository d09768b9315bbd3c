"""Draws the picture of the front pages: the first screen of the report of a sample device.

    python docs/front_page.py results        (the folder of `memfit fit sample_data/mapbi3_c -o results`)

Needs chromium. The parameters that it shows stand in the file too: a test holds them against today's.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, PngImagePlugin

from memfit.reporting.fit.summary import parameters_answer
from memfit.workflow.reading import read_result

PICTURE = Path(__file__).parent / "images" / "report.png"
SIZE = "1280,960"


def draw(results: Path) -> None:
    """Photograph a report."""
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder) / "shot.png"
        page = (results / "report.html").resolve().as_uri()
        words = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        subprocess.run([*words, f"--window-size={SIZE}", f"--screenshot={shot}", page], check=True)
        about = PngImagePlugin.PngInfo()
        about.add_text("parameters", json.dumps(parameters_answer(read_result(results)).facts))
        Image.open(shot).convert("P", palette=Image.Palette.ADAPTIVE, colors=128).save(
            PICTURE, pnginfo=about, optimize=True
        )


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
