"""What is taken away from the image is missed by nothing that the shop does with pictures."""

import io
import runpy
import subprocess
import sys
from pathlib import Path

from PIL import Image, ImageCms

from tests.tidy.sources import ROOT

# Without what is taken away, as in the image.
WITHOUT = """
import sys
sys.modules.update(dict.fromkeys(sys.argv[2:]))
import kassa.invoicing.pdf
from kassa.product.reencoding import reencoded
print(len(reencoded(open(sys.argv[1], "rb").read(), "a" * 32)))
"""


def test_every_kind_of_picture_is_made_without_what_is_taken_away(tmp_path: Path) -> None:
    patterns = runpy.run_path(str(ROOT / "deploy" / "slim.py"))["UNUSED"]
    gone = [each.removesuffix(".*").replace("/", ".") for each in patterns if each.startswith("PIL/")]
    assert "PIL._avif" in gone
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for kind, mode in (("JPEG", "RGB"), ("PNG", "RGBA"), ("WEBP", "RGBA")):
        made = io.BytesIO()
        Image.new(mode, (900, 600), "teal").save(made, kind, icc_profile=profile)
        file = tmp_path / "picture"
        file.write_bytes(made.getvalue())
        done = subprocess.run(
            [sys.executable, "-c", WITHOUT, str(file), *gone], capture_output=True, text=True, check=False
        )
        assert (done.stdout, done.returncode) == ("3\n", 0), done.stderr
