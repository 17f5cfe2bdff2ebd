"""The plugin `@NAME@` of image-transfer: who it is, and what it exports."""

from options import SCHEMA
from wit_world import exports
from wit_world.exports.plugin_info import Info

# componentize-py finds the exports of an interface in the module that is called like it.
@EXPORTS@


class PluginInfo(exports.PluginInfo):
    def describe(self) -> Info:
        return Info(name="@NAME@", version="0.1.0", summary="@SUMMARY@", config_schema=SCHEMA, hosts=[])
