"""The `with:` of a workflow."""

import json
import pathlib

from componentize_py_types import Err
from wit_world.imports import types

# Read when the component is made: it has no files when it runs.
SCHEMA = (pathlib.Path(__file__).parent / "options.schema.json").read_text()


def option(config: str, name: str) -> str:
    """An option that this kind of the plugin cannot do without. `open` checks the options and sends nothing."""
    value = json.loads(config).get(name)
    if not value:
        raise Err(types.Error_InvalidConfig(f"/{name}: is missing"))
    return value
