"""Takes onbill's signed calls, with Python 3.10 and nothing else: a start for a CSP API, or for webhooks.

It verifies each call and answers 200 with what it has seen; put your own work in `handle`. The profile is in
docs/signing.md. The use is origin-to-bss for a CSP API, origin-to-partner for webhooks.

  ONBILL_KEYS=operator-acme.json python3 receive.py origin-to-bss 127.0.0.1:8080

Behind a proxy, name the host that onbill calls as a third argument, such as bss.acme.example.
"""

import base64
import hashlib
import hmac
import json
import os
import re
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RD
from threading import Lock, Timer

SKEW_SECONDS = 300
BODY_BYTES_MAX = 16 * 1024
CALL_SECONDS_MAX = 20
PARAMS = re.compile(r'sig1=(\((?P<names>[^()]*)\)(?P<rest>(?:;created=\d{1,12}|;[a-z]+="[ !#-\[\]-~]*")*))')
PARAM = re.compile(r';([a-z]+)=(?:(\d+)|"([^"]*)")')


class Refused(Exception):
    """Why a call is refused. Log it; the caller only gets 401."""


class Verifier:
    """Knows your keys of one use, the address that onbill signs for, and the nonces of the last ten minutes."""

    def __init__(self, ring: list[dict], use: str, authority: str):
        keys = [key for key in ring if isinstance(key, dict) and key.get("use") == use]
        if not keys or not all("id" in key and "secret" in key for key in keys):
            raise ValueError(f"The key file needs keys of use {use}, each with id and secret. "
                             "Of a JWKS, `onbill keys ring` makes such a file.")
        self.keys = {key["id"]: unbase64url(key["secret"]) for key in keys}
        self.tag = f"onbill-{use}"
        self.authority = authority
        self.nonces: dict[tuple[str, str], float] = {}
        self.lock = Lock()

    def verify(self, method: str, target: str, headers, body: bytes) -> None:
        """Raises Refused, unless a key of yours has signed this very call, and for the first time."""
        def field(name: str) -> str:
            return ", ".join(headers.get_all(name) or [])

        found = PARAMS.fullmatch(field("signature-input"))
        if found is None:
            raise Refused("the signature-input is missing or not of the profile")
        params = {name: number or text for name, number, text in PARAM.findall(found["rest"])}
        path, _, query = target.partition("?")
        components = {"@method": method, "@authority": self.authority, "@path": path, "@query": f"?{query}"}
        if body:
            components["content-digest"] = field("content-digest")
            components["content-type"] = field("content-type")
            digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
            if components["content-digest"] != f"sha-256=:{digest}:":
                raise Refused("the body is not the one that was signed")
        if found["names"] != " ".join(f'"{name}"' for name in components):
            raise Refused("these components are not covered, or not in this order")
        if sorted(params) != ["created", "keyid", "nonce", "tag"] or params["tag"] != self.tag:
            raise Refused(f"the parameters are not created, nonce, keyid and the tag {self.tag}")
        if not params["created"].isdecimal() or abs(int(params["created"]) - time.time()) > SKEW_SECONDS:
            raise Refused("created is more than 300 s off")
        if params["keyid"] not in self.keys:
            raise Refused("the key is not known")
        lines = "".join(f'"{name}": {value}\n' for name, value in components.items())
        base = f'{lines}"@signature-params": {found[1]}'.encode()
        mac = hmac.digest(self.keys[params["keyid"]], base, "sha256")
        expected = f"sig1=:{base64.b64encode(mac).decode()}:"
        if not hmac.compare_digest(expected.encode(), field("signature").encode()):
            raise Refused("the signature is not valid")
        self.spend(params["keyid"], params["nonce"])

    def spend(self, key: str, nonce: str) -> None:
        """Takes a nonce once. With several servers, keep them where all of them look. A restart forgets these."""
        now = time.time()
        with self.lock:
            self.nonces = {spent: until for spent, until in self.nonces.items() if until > now}
            if (key, nonce) in self.nonces:
                raise Refused("the nonce was used before")
            self.nonces[key, nonce] = now + 2 * SKEW_SECONDS


def unbase64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def handle(method: str, target: str, body: object) -> tuple[int, object]:
    """Your own work: the status, and the JSON of the response."""
    return 200, {"method": method, "target": target, "body": body}


class Handler(BaseHTTPRequestHandler):
    verifier: Verifier
    protocol_version = "HTTP/1.1"
    # onbill keeps connections for a second, so this side keeps them longer.
    timeout = 10

    def handle_one_request(self) -> None:
        # The timeout is for each piece that arrives. This is for all of a call, also when it trickles in.
        end = Timer(CALL_SECONDS_MAX, self.connection.shutdown, [SHUT_RD])
        end.start()
        try:
            super().handle_one_request()
        finally:
            end.cancel()

    def do_GET(self) -> None:
        length = self.headers.get("content-length") or "0"
        if "transfer-encoding" in self.headers or not length.isdecimal() or int(length) > BODY_BYTES_MAX:
            self.close_connection = True
            return self.answer(413, {"code": "invalid-request", "message": "The body is too large."})
        body = self.rfile.read(int(length))
        try:
            self.verifier.verify(self.command, self.path, self.headers, body)
            content = json.loads(body) if body else None
        except Refused as why:
            self.log_message("refused: %s", why)
            return self.answer(401, {"code": "authorization-failure", "message": "The signature is not valid."})
        except ValueError:
            return self.answer(400, {"code": "invalid-request", "message": "The body is not JSON."})
        # Outside of the try: where your own work fails, the caller must not take it for a refusal. It asks again.
        self.answer(*handle(self.command, self.path, content))

    do_POST = do_GET

    def answer(self, status: int, answer: object) -> None:
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


if __name__ == "__main__":
    use, address, *called = sys.argv[1:]
    host, _, port = address.rpartition(":")
    with open(os.environ["ONBILL_KEYS"], encoding="utf-8") as file:
        Handler.verifier = Verifier(json.load(file), use, authority=called[0] if called else address)
    server = ThreadingHTTPServer((host, int(port)), Handler)
    print(f"listening on http://{address}", flush=True)
    server.serve_forever()
