#!/bin/sh
# Package:   stripe 16.1.0 (PyPI)
# Behaviour: before every request the SDK looks up a dozen environment variables that coding assistants set in their shells. If one of
#            them is set, to whatever, both User-Agent headers name that assistant. enable_telemetry = False does not keep it from that,
#            and the environment is read anew each time, not once.
# Who:       whoever starts a program from such a shell, or hands its environment on to a service: Stripe sees it; and whoever counts
#            microseconds: in one profile they were 3 % of a program that called Stripe twice.
# Way out:   start services with an environment of their own.
# Seen on 2026-12-01:
#            12 variables; unset: no AIAgent; the first one set to "1", telemetry off: AIAgent in User-Agent: True, ai_agent beside it: True
# Ends with 0 as long as it is so, with 1 when it has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check stripe==16.1.0 requests==2.34.0
env -i HOME="$folder" PATH="$PATH" "$folder/venv/bin/python" - <<'PYTHON'
import json
import os
import sys

import stripe
from stripe._api_requestor import _APIRequestor

stripe.enable_telemetry = False
sent = []


class Kept(stripe.HTTPClient):
    """Sends nothing, and keeps the headers."""

    name = "kept"

    def request(self, method, url, headers, post_data=None):
        sent.append(headers)
        return b'{"object": "balance", "livemode": false}', 200, {}


client = stripe.StripeClient("sk_test_0", http_client=Kept())
variables = [name for name, _ in _APIRequestor.AI_AGENTS]
client.v1.balance.retrieve()
os.environ[variables[0]] = "1"
client.v1.balance.retrieve()
seen = ["AIAgent/" in each["User-Agent"] for each in sent]
beside = ["ai_agent" in json.loads(each["X-Stripe-Client-User-Agent"]) for each in sent]
print(len(variables), "variables", seen, beside)
sys.exit([len(variables) >= 10, *seen, *beside] != [True, False, True, False, True])
PYTHON
