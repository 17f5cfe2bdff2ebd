"""What must exist: each repository is made by the API of the target."""

from typing import List, Self

from componentize_py_types import Err, Ok, Result
from host_urllib import refusal, request
from options import option
from wit_world.exports.provisioner import Ensured, Repository
from wit_world.imports import types


class Preparation:
    def __init__(self, url: str):
        self.url = url

    @classmethod
    def open(cls, config: str) -> Self:
        return cls(option(config, "api"))

    def ensure(self, repositories: List[Repository]) -> List[Result[Ensured, types.Error]]:
        return [self.make(repository.name) for repository in repositories]

    def make(self, name: str) -> Result[Ensured, types.Error]:
        """What someone else made meanwhile is there: not an error. One that fails is not the others' fault."""
        try:
            status, _ = request("PUT", f"{self.url}/repositories/{name}")
        except Err as error:
            return error
        match status:
            case 201:
                return Ok(Ensured.CREATED)
            case 200 | 409:
                return Ok(Ensured.EXISTED)
            case _:
                return refusal(status)
