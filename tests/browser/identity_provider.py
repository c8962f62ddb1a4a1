"""A small OpenID Connect provider for tests: signs in whoever it was told to, without asking."""

from __future__ import annotations

import json
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT = "medres-test"


class Provider:
    """Runs at an address of its own; `email` is who signs in next."""

    def __init__(self) -> None:
        self.email, self.verified = "", True
        self.key = RSAKey.generate_key(2048, {"kid": "1", "use": "sig", "alg": "RS256"})
        self.nonces: dict[str, tuple[str, str, bool]] = {}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def discovery(self) -> dict:
        return {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "jwks_uri": f"{self.address}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def authorize(self, asked: dict[str, str]) -> str:
        """Give the address that the browser is sent back to."""
        code = f"code-{len(self.nonces)}"
        self.nonces[code] = (asked.get("nonce", ""), self.email, self.verified)
        return f"{asked['redirect_uri']}?" + urllib.parse.urlencode({"code": code, "state": asked["state"]})

    def token(self, code: str) -> dict:
        nonce, email, verified = self.nonces.pop(code)
        now = int(time.time())
        claims = {"iss": self.address, "aud": CLIENT, "sub": email, "email": email, "email_verified": verified,
                  "nonce": nonce, "iat": now, "exp": now + 600}  # fmt: skip
        signed = jwt.encode({"alg": "RS256", "kid": "1"}, claims, self.key)
        return {"access_token": "a", "token_type": "Bearer", "expires_in": 600, "id_token": signed}

    def _handler(provider) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - the handler has a self of its own
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = urllib.parse.urlsplit(self.path)
                query = dict(urllib.parse.parse_qsl(asked.query))
                if asked.path == "/authorize":
                    self.send_response(302)
                    self.send_header("Location", provider.authorize(query))
                    self.end_headers()
                elif asked.path == "/keys":
                    self._answer({"keys": [provider.key.as_dict(private=False)]})
                else:
                    self._answer(provider.discovery())

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self._answer(provider.token(dict(urllib.parse.parse_qsl(body))["code"]))

            def _answer(self, content: dict) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(content).encode())

            def log_message(self, *words: object) -> None:
                """Say nothing."""

        return Handler
