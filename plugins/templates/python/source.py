"""Which images: those that a catalogue lists, a JSON list of names such as `registry.example/team/app:1`."""

import json
import re
from typing import List, Optional, Self

from componentize_py_types import Err
from host_urllib import refusal, request
from options import option
from wit_world.imports import types


class Enumerator:
    def __init__(self, url: str):
        self.url = url
        self.done = False

    @classmethod
    def open(cls, config: str, position: Optional[str]) -> Self:
        return cls(option(config, "catalogue"))

    def next(self) -> Optional[List[types.Image]]:
        """The next batch; None when all is told. A page that cannot be read is an error, never a shorter list."""
        if self.done:
            return None
        status, body = request("GET", self.url)
        if status != 200:
            raise refusal(status)
        try:
            images = [image(name) for name in json.loads(body)]
        except (ValueError, TypeError) as error:
            raise Err(types.Error_Fatal(f"the catalogue is no list of names: {error}")) from None
        self.done = True
        return images

    def position(self) -> Optional[str]:
        """One page: a run that is resumed lists it again."""
        return None


def image(name: str) -> types.Image:
    parts = re.fullmatch(r"([^/]+)/(.+):([^:]+)", name)
    if not parts:
        raise Err(types.Error_Fatal(f"the catalogue lists {name}: expected registry/repository:tag"))
    registry, repository, tag = parts.groups()
    return types.Image(types.Reference(registry, repository, tag, None), [], [])
