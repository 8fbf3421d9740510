"""Calls onbill as a partner, with Python 3.10 and `pip install cryptography`.

The profile is in docs/signing.md.

  ONBILL_URL=https://pay.example.com ONBILL_KEYS=partner-netflix.json \
    python3 onbill.py POST /ott/v1/pin '{"msisdn":"+12025550101","operator":"acme"}'
"""

import base64
import hashlib
import hmac
import http.client
import json
import os
import re
import secrets
import sys
import time
from dataclasses import dataclass
from socket import SHUT_RDWR
from threading import Timer
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SKEW_SECONDS = 300
SECONDS_MAX = 30
DEFAULT_PORTS = {"https": 443, "http": 80}
COVERED_BY_RESPONSES = '("@status" "content-digest" "content-type" "signature";req;key="sig1");'


@dataclass
class Response:
    status: int
    operator: str | None  # The party that signed a success, such as operator:acme.
    body: bytes


class Onbill:
    """A partner's client: your keys, and the address of the edge."""

    def __init__(self, url: str, ring: list[dict]):
        self.url = urlsplit(url)
        self.operators = keys_of(ring, "origin-to-partner", "secret")
        # The last key of a use signs: that is how keys rotate.
        self.key = keys_of(ring, "partner-call", "private")[-1]
        self.private = Ed25519PrivateKey.from_private_bytes(unbase64url(self.key["private"]))
        port = self.url.port
        is_default = port is None or port == DEFAULT_PORTS[self.url.scheme]
        self.authority = self.url.hostname if is_default else f"{self.url.hostname}:{port}"

    def call(self, method: str, target: str, body: object = None) -> Response:
        """One call. `target` is a percent-encoded path with its query; `body` is any JSON."""
        data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        headers = self.sign(method, target, data)
        connect = http.client.HTTPSConnection if self.url.scheme == "https" else http.client.HTTPConnection
        # http.client follows no redirect: a signature is for one address.
        connection = connect(self.url.hostname, self.url.port, timeout=SECONDS_MAX)
        connection.connect()
        # That timeout is for each piece that arrives. This is for all of the call, also when the body trickles in.
        end = Timer(SECONDS_MAX, connection.sock.shutdown, [SHUT_RDWR])
        end.start()
        try:
            connection.request(method, target, data, headers)
            response = connection.getresponse()
            answer = response.read()
        finally:
            end.cancel()
            connection.close()
        is_success = 200 <= response.status < 300
        operator = self.signer(headers["signature"], response, answer) if is_success else None
        return Response(response.status, operator, answer)

    def sign(self, method: str, target: str, data: bytes | None) -> dict[str, str]:
        path, _, query = target.partition("?")
        components = [
            ('"@method"', method),
            ('"@authority"', self.authority),
            ('"@path"', path),
            ('"@query"', f"?{query}"),
        ]
        headers = {"host": self.authority, "accept": "application/json"}
        if data is not None:
            headers["content-type"] = "application/json"
            headers["content-digest"] = digest(data)
            components.append(('"content-digest"', headers["content-digest"]))
            components.append(('"content-type"', headers["content-type"]))
        names = " ".join(name for name, _ in components)
        params = f'({names});created={int(time.time())};nonce="{secrets.token_urlsafe(16)}"'
        params += f';keyid="{self.key["id"]}";tag="onbill-partner-call"'
        signature = base64.b64encode(self.private.sign(base(components, params))).decode()
        return headers | {"signature-input": f"sig1={params}", "signature": f"sig1=:{signature}:"}

    def signer(self, request_signature: str, response: http.client.HTTPResponse, answer: bytes) -> str | None:
        """The party that signed this response; None when no one has."""
        params = (response.getheader("signature-input") or "").removeprefix("sig1=")
        created = re.search(r";created=(\d+)", params)
        if not params.startswith(COVERED_BY_RESPONSES) or param(params, "tag") != "onbill-answer":
            return None
        if created is None or abs(int(created[1]) - time.time()) > SKEW_SECONDS:
            return None
        key = next((key for key in self.operators if key["id"] == param(params, "keyid")), None)
        if key is None or response.getheader("content-digest") != digest(answer):
            return None
        components = [
            ('"@status"', str(response.status)),
            ('"content-digest"', digest(answer)),
            ('"content-type"', response.getheader("content-type") or ""),
            ('"signature";req;key="sig1"', request_signature.removeprefix("sig1=")),
        ]
        mac = hmac.digest(unbase64url(key["secret"]), base(components, params), "sha256")
        expected = f"sig1=:{base64.b64encode(mac).decode()}:"
        received = response.getheader("signature") or ""
        return key["party"] if hmac.compare_digest(expected.encode(), received.encode()) else None


def keys_of(ring: list[dict], use: str, secret: str) -> list[dict]:
    """The keys of one use. What is wrong with the file shows here, and not after a call."""
    keys = [key for key in ring if isinstance(key, dict) and key.get("use") == use]
    if not keys or not all({"id", "party", secret} <= key.keys() for key in keys):
        raise ValueError(f"The key file needs keys of use {use}, each with id, party, {secret}. "
                         "Of a JWKS, `onbill keys ring` makes such a file.")
    return keys


def base(components: list[tuple[str, str]], params: str) -> bytes:
    """The text that is signed: no newline at its end."""
    lines = "".join(f"{name}: {value}\n" for name, value in components)
    return f'{lines}"@signature-params": {params}'.encode()


def digest(data: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"


def param(params: str, name: str) -> str | None:
    found = re.search(f';{name}="([^"]*)"', params)
    return found[1] if found else None


def unbase64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


if __name__ == "__main__":
    method, target, *rest = sys.argv[1:]
    with open(os.environ["ONBILL_KEYS"], encoding="utf-8") as file:
        onbill = Onbill(os.environ["ONBILL_URL"], json.load(file))
    response = onbill.call(method, target, json.loads(rest[0]) if rest else None)
    print(f"{response.status} signed by: {response.operator or 'no one'}\n{response.body.decode()}")
    # Only what the operator has signed has happened. Repeat everything else with the same ids.
    sys.exit(0 if response.operator else 1)
