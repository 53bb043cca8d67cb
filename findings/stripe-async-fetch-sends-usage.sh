#!/bin/sh
# Package:   stripe 16.1.0 (PyPI), with aiohttp 3.14.5
# Behaviour: fetch_event_async() and fetch_related_object_async() of a thin event send the parameter `usage`, which is
#            the SDK's own note for its telemetry, as a query parameter to the API. raw_request() takes it out of the
#            parameters; raw_request_async() does not. The same calls without _async are clean.
# Who:       whoever reads thin events (v2.core.event) in asynchronous Python: Stripe's API and any stand-in that checks
#            its parameters refuse what they do not know ("Received unknown parameter: usage").
# Way out:   await asyncio.to_thread(notification.fetch_related_object), or the service's own retrieve_async(id).
# Seen on 2026-11-28:
#            sync:  /v1/refunds/re_1
#            async: /v1/refunds/re_1?usage[0]=fetch_related_object
# Ends with 0 as long as it is so, with 1 when it has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check stripe==16.1.0 aiohttp==3.14.5
HOME="$folder" "$folder/venv/bin/python" - <<'PYTHON'
import asyncio
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import unquote

import stripe

stripe.enable_telemetry = False
seen = []


class Api(BaseHTTPRequestHandler):
    def do_GET(self):
        seen.append(unquote(self.path))
        body = b'{"id": "re_1", "object": "refund"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


server = HTTPServer(("127.0.0.1", 0), Api)
threading.Thread(target=server.serve_forever, daemon=True).start()
event = {
    "id": "evt_1",
    "object": "v2.core.event",
    "type": "v1.refund.updated",
    "created": "2026-11-28T12:00:00.000Z",
    "livemode": False,
    "related_object": {"id": "re_1", "type": "refund", "url": "/v1/refunds/re_1"},
}
addresses = {"api": f"http://127.0.0.1:{server.server_port}"}


def notification(**options):
    client = stripe.StripeClient("sk_test_1234567890", base_addresses=addresses, **options)
    return stripe.v2.core.EventNotification.from_json(event, client)


async def asynchronously():
    http = stripe.AIOHTTPClient()
    await notification(http_client=http).fetch_related_object_async()
    await http.close_async()


notification().fetch_related_object()
asyncio.run(asynchronously())
print("sync: ", seen[0])
print("async:", seen[1])
sys.exit(seen != ["/v1/refunds/re_1", "/v1/refunds/re_1?usage[0]=fetch_related_object"])
PYTHON
