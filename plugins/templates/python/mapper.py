"""Where each image lands: under a namespace, and what is called `cache` not at all."""

from typing import List, Self

from componentize_py_types import Ok, Result
from options import option
from wit_world.imports import types


class Mapping:
    """A function of the options and the image, so that a resumed run comes to the same names."""

    def __init__(self, namespace: str):
        self.namespace = namespace

    @classmethod
    def open(cls, config: str) -> Self:
        return cls(option(config, "namespace"))

    def map_images(self, images: List[types.Image]) -> List[Result[List[types.Destination], types.Error]]:
        return [Ok(self.destinations(image.source.repository)) for image in images]

    def destinations(self, repository: str) -> List[types.Destination]:
        if repository.split("/")[-1] == "cache":
            return []
        return [types.Destination(None, f"{self.namespace}/{repository}", None)]
