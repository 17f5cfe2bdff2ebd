"""Who the plugin is."""

import pathlib

# componentize-py finds the exports of an interface in the module that is called like it.
from mapper import Mapping  # noqa: F401
from wit_world import exports
from wit_world.exports.plugin_info import Info

# Read when the component is made: it has no files when it runs.
SCHEMA = (pathlib.Path(__file__).parent / "options.schema.json").read_text()


class PluginInfo(exports.PluginInfo):
    def describe(self) -> Info:
        return Info(
            name="table",
            version="0.1.0",
            summary="maps images by a table of patterns",
            config_schema=SCHEMA,
            hosts=[],
        )
