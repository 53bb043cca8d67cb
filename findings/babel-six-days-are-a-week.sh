#!/bin/sh
# Package:   Babel 2.19.0 (PyPI)
# Behaviour: format_timedelta rounds to one unit, and to a larger one before it is full: 6 days are `1 week`, as are 10; 21 hours are
#            `1 day`, as are 30; 45 days are `2 months`. With granularity="day" days are not the largest unit, but the smallest: 10 days
#            stay `1 week`.
# Who:       whoever tells people how long something takes, or until when something holds: a term of 10 days is shown as a week.
# Way out:   a larger threshold keeps the smaller unit: format_timedelta(delta, threshold=5) for days up to a month. It holds for all
#            units at once: with 30, 10 days are `240 hours`.
# Seen on 2026-11-30:
#            6 days: 1 week; 10 days: 1 week; 21 hours: 1 day; 30 hours: 1 day; 45 days: 2 months
#            10 days, granularity="day": 1 week; 10 days, threshold=5: 10 days; threshold=30: 240 hours
# Ends with 0 as long as it is so, with 1 when it has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check babel==2.19.0
HOME="$folder" "$folder/venv/bin/python" - <<'PYTHON'
import sys
from datetime import timedelta

from babel.dates import format_timedelta

spans = [timedelta(days=6), timedelta(days=10), timedelta(hours=21), timedelta(hours=30), timedelta(days=45)]
shown = [format_timedelta(span, locale="en") for span in spans]
finest = format_timedelta(timedelta(days=10), granularity="day", locale="en")
kept, hours = (format_timedelta(timedelta(days=10), threshold=each, locale="en") for each in (5, 30))
print("; ".join(shown))
print(finest, kept, hours, sep="; ")
sys.exit([*shown, finest, kept, hours] != ["1 week", "1 week", "1 day", "1 day", "2 months", "1 week", "10 days", "240 hours"])
PYTHON
