"""`kassa config`: how the shop sells and what it is known by, as a file."""

import json
import shutil
from pathlib import Path

import pytest

from tests.app.process import kassa

SELLING = {
    "home": "DE",
    "zones": [
        {
            "id": "germany",
            "name": "Germany",
            "places": [{"country": "de", "postalPrefixes": ["10"]}, {"country": "DE"}],
        },
        {"id": "us-west", "name": "The West", "places": [{"country": "US", "regions": ["California", "us-or"]}]},
    ],
    "shippingMethods": [
        {"id": "parcel", "name": "Parcel", "zone": "germany", "price": "4.90", "freeFrom": 100},
        {"id": "heavy", "name": "Heavy", "zone": "us-west", "byWeight": [{"upTo": 1000, "price": 5}, {"price": 9.5}]},
        {"id": "shop", "name": "Pick up", "kind": "pickup"},
    ],
    "taxRates": [
        {"country": "DE", "percent": 19, "name": "VAT", "isIncluded": True},
        {"country": "US", "region": "CA", "percent": "8.875", "name": "Sales tax"},
    ],
}

PROFILE = {
    "name": "Deichladen",
    "logo": "/logo.svg",
    "accentLight": "#7a1f5c",
    "languages": ["de", "en"],
    "texts": [{"language": "de", "footer": "Am Deich", "links": [{"label": "Blog", "address": "https://b.example"}]}],
}


@pytest.fixture
def folder(started_once: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(started_once, tmp_path / "shop"))


def test_what_is_written_is_what_was_read(folder: Path) -> None:
    file, written = folder / "selling.json", folder / "written.json"
    file.write_text(json.dumps(SELLING))
    done = kassa(folder, "config", "import", str(file))
    assert done.stdout == "2 zones, 3 shipping methods, 2 tax rates.\n", done.stderr
    assert kassa(folder, "config", "export", "--out", str(written)).stdout == f"Wrote {written}.\n"
    told = json.loads(written.read_text())
    assert told["zones"][1]["places"] == [{"country": "US", "regions": ["CA", "OR"], "postalPrefixes": []}]
    assert told["shippingMethods"][1]["byWeight"] == [{"price": 5.0, "upTo": 1000}, {"price": 9.5, "upTo": None}]
    assert told["taxRates"][1]["percent"] == 8.875
    again = kassa(folder, "config", "import", "-", input=written.read_text())
    assert again.stdout == "2 zones, 3 shipping methods, 2 tax rates, the profile.\n", again.stderr
    assert kassa(folder, "config", "export").stdout == written.read_text()


def test_all_that_is_wrong_is_told_at_once_and_nothing_is_changed(folder: Path) -> None:
    wrong = {
        "zones": [
            {"id": "No Slug", "name": "", "places": [{"country": "XX"}, {"country": "US", "regions": ["Bavaria"]}]}
        ],
        "shippingMethods": [
            {"id": "a", "name": "A", "zone": "nowhere", "price": "1.999"},
            {"id": "a", "name": "A", "kind": "pickup", "byWeight": [{"price": 1}, {"price": 2, "upTo": 5}]},
        ],
        "taxRates": [{"country": "DE", "percent": "8.87512", "name": "VAT"}],
    }
    file = folder / "selling.json"
    file.write_text(json.dumps(wrong))
    refused = kassa(folder, "config", "import", str(file))
    assert refused.returncode == 1
    fields = [line.partition(":")[0] for line in refused.stderr.splitlines()[1:-1]]
    assert fields == [
        "zones[0].places[0].country",
        "zones[0].places[1].regions",
        "zones[0].id",
        "zones[0].name",
        "shippingMethods[0].zone",
        "shippingMethods[0].price",
        "shippingMethods[1].byWeight[1].upTo",
        "taxRates[0].percent",
        "shippingMethods[1]",
    ]
    file.write_text("{")
    assert "is no JSON" in kassa(folder, "config", "import", str(file)).stderr
    assert json.loads(kassa(folder, "config", "export").stdout)["zones"] == []


def test_the_profile_is_in_the_file_too_and_stays_where_it_says_nothing_of_it(folder: Path) -> None:
    file = folder / "shop.json"
    untouched = json.loads(kassa(folder, "config", "export").stdout)["shopProfile"]
    assert untouched["name"] is None, "not the setting's, which a file would make the profile's own"
    file.write_text(json.dumps(SELLING | {"shopProfile": PROFILE}))
    done = kassa(folder, "config", "import", str(file))
    assert done.stdout == "2 zones, 3 shipping methods, 2 tax rates, the profile.\n", done.stderr
    written = kassa(folder, "config", "export").stdout
    known = json.loads(written)["shopProfile"]
    assert (known["name"], known["logo"], known["languages"]) == ("Deichladen", "/logo.svg", ["de", "en"])
    assert known["texts"][0]["links"] == PROFILE["texts"][0]["links"]  # type: ignore[index]
    file.write_text(json.dumps(SELLING))
    assert kassa(folder, "config", "import", str(file)).returncode == 0
    assert kassa(folder, "config", "export").stdout == written
    assert kassa(folder, "config", "import", "-", input=written).returncode == 0
    assert kassa(folder, "config", "export").stdout == written
    file.write_text(json.dumps({"home": "XX", "shopProfile": PROFILE | {"name": "", "accentLight": "#ffff00"}}))
    refused = kassa(folder, "config", "import", str(file))
    assert [line.partition(":")[0] for line in refused.stderr.splitlines()[1:-1]] == [
        "home",
        "shopProfile.accentLight",
        "shopProfile.name",
    ]
    assert kassa(folder, "config", "export").stdout == written
