"""A table of patterns says where images land."""

import csv
import fnmatch
import io
import json
import re
from typing import List, Self, Tuple

from componentize_py_types import Err, Ok, Result
from wit_world.imports import types


class Mapping:
    """A function of the table and the image, so that a resumed run comes to the same names."""

    def __init__(self, rows: List[Tuple[re.Pattern, str]]):
        self.rows = rows

    @classmethod
    def open(cls, config: str) -> Self:
        return cls(rows(json.loads(config)["table"]))

    def map_images(self, images: List[types.Image]) -> List[Result[List[types.Destination], types.Error]]:
        return [Ok(self.destinations(image.source.repository)) for image in images]

    def destinations(self, repository: str) -> List[types.Destination]:
        for pattern, target in self.rows:
            if pattern.fullmatch(repository):
                name = target.format(name=repository.split("/")[-1], repository=repository)
                return [types.Destination(None, name, None)]
        return []


def rows(text: str) -> List[Tuple[re.Pattern, str]]:
    """The lines of a table. All that is wrong is told at once, at the option that it is wrong in."""
    table, problems = [], []
    for number, row in enumerate(csv.reader(io.StringIO(text), skipinitialspace=True), start=1):
        if not row:
            continue
        if len(row) != 2:
            problems.append(f"/table: line {number} has {len(row)} fields, expected a pattern and a target")
            continue
        pattern, target = row
        try:
            target.format(name="", repository="")
        except (KeyError, IndexError, ValueError, AttributeError):
            problems.append(f"/table: line {number}: only {{name}} and {{repository}} stand for something")
            continue
        table.append((re.compile(fnmatch.translate(pattern)), target))
    if problems:
        raise Err(types.Error_InvalidConfig("\n".join(problems)))
    return table
