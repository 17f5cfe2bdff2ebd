"""How to log in: with what a token service issues."""

import json
from typing import Self

from componentize_py_types import Err
from host_urllib import refusal, request
from options import option
from wit_world.exports.credentials import Credential
from wit_world.imports import types


class Issuer:
    def __init__(self, url: str):
        self.url = url

    @classmethod
    def open(cls, config: str) -> Self:
        return cls(option(config, "tokens"))

    def issue(self, registry: str) -> Credential:
        """Asked again before `expires_at`."""
        status, body = request("POST", f"{self.url}?registry={registry}")
        if status != 200:
            raise refusal(status)
        try:
            token = json.loads(body)
            return Credential(token["username"], token["password"], token.get("expires-at"))
        except (ValueError, KeyError, TypeError) as error:
            raise Err(types.Error_Fatal(f"the token service gave no token: {error}")) from None
