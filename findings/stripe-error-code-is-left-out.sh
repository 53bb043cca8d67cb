#!/bin/sh
# Package:   stripe 16.1.0 (PyPI)
# Behaviour: an exception's `code` is what Stripe's answer says for 400, 402 and 404 alone; for 401, 403, 409, 429 and 500 it
#            is None although the body has one. `error.error.code` has it always.
# Who:       whoever tells 409 idempotency_key_in_use (wait, then the same call again) from other answers by `error.code`, or
#            429 lock_timeout from rate limits: the comparison is never true.
# Way out:   getattr(error.error, "code", None).
# Seen on 2026-11-28:
#            400 InvalidRequestError  code a_code  error.code a_code
#            404 InvalidRequestError  code a_code  error.code a_code
#            402 CardError            code a_code  error.code a_code
#            401 AuthenticationError  code None    error.code a_code
#            403 PermissionError      code None    error.code a_code
#            409 APIError             code None    error.code a_code
#            429 RateLimitError       code None    error.code a_code
#            500 APIError             code None    error.code a_code
# Ends with 0 as long as it is so, with 1 when it has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check stripe==16.1.0 requests==2.32.5
HOME="$folder" "$folder/venv/bin/python" - <<'PYTHON'
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import stripe

stripe.enable_telemetry = False


class Api(BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'{"error": {"type": "invalid_request_error", "message": "No.", "code": "a_code"}}'
        self.send_response(int(self.path.rpartition("/")[2]))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


server = HTTPServer(("127.0.0.1", 0), Api)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = stripe.StripeClient("sk_test_x", base_addresses={"api": f"http://127.0.0.1:{server.server_port}"})
left_out = []
for status in (400, 404, 402, 401, 403, 409, 429, 500):
    try:
        client.v1.charges.retrieve(str(status))
    except stripe.StripeError as error:
        print(status, f"{type(error).__name__:20}", f"code {error.code!s:7}", "error.code", error.error.code)
        if error.code is None and error.error.code == "a_code":
            left_out.append(status)
sys.exit(left_out != [401, 403, 409, 429, 500])
PYTHON
