"""`python -m bench.profile [CHECKOUT]`: where the CPU time of a paid journey goes, in each form; a JSON line."""

import os
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path

from bench.against import run_there
from bench.forms import FORMS
from kassa.bench.figures import Line, printed

SECONDS = 60.0
ELSEWHERE = "the loop and the rest"
_SAMPLER = Path(__file__).with_name("sampler")
# What a function's file says of what it is for; the innermost function that says anything counts.
AREAS = {
    "the database": r"/kassa/storage/|/apsw/|/pymongo/|/bson/|/gridfs/",
    "the stock": r"/kassa/inventory/|/redis/|/hiredis/",
    "Stripe's SDK and what sends for it": r"/stripe/|/aiohttp/|/httpx/|/kassa/payment/processor|/kassa/kit/peer",
    "between services": r"/kassa/kit/(calls|wire|remote|internal)",
    "HTTP and the gateway": r"/uvicorn/|/kassa/app/|/kassa/gateway/|/litestar/|/starlette/|/kassa/kit/(web|identity)",
    "products, orders and payments": r"/kassa/(product|order|payment|auth|kit|contracts)/",
}
_KEYS = dict(zip(("one", "servers", "six"), FORMS, strict=True))


def profile(checkout: Path, seconds: float = SECONDS) -> Line:
    """By form, what each area takes of a journey, in milliseconds, in that checkout's own `forms`."""
    with tempfile.TemporaryDirectory(prefix="kassa-samples-") as samples:
        os.environ["KASSA_SAMPLES"] = samples
        line = run_there("forms", seconds, checkout, (_SAMPLER,))
        found = {name: areas([*Path(samples).glob(f"{key}-*")]) for key, name in _KEYS.items()}
    return {
        "name": "profile",
        "code": checkout.name,
        "yardstick_us": line["yardstick_us"],
        "by_form": {
            name: {area: round(share * line["by_form"][name]["cpu_ms"]["kassa"], 3) for area, share in shares.items()}
            for name, shares in found.items()
        },
    }


def areas(files: list[Path]) -> dict[str, float]:
    """The share of each area in what the sampler has written."""
    found: Counter[str] = Counter()
    for file in files:
        for row in file.read_text().splitlines():
            times, *names = row.split("\t")
            found[_area(names)] += int(times)
    return {area: times / found.total() for area, times in found.most_common()}


def _area(names: list[str]) -> str:
    for name in names:
        for area, pattern in AREAS.items():
            if re.search(pattern, name):
                return area
    return ELSEWHERE


if __name__ == "__main__":
    print(printed(profile(Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve())))
