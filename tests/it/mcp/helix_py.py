"""The server of the published Python client, which walks a running instance: helix_py.py PORT."""

import asyncio
import json
import sys

from fastmcp import Client
from helix.client import Client as Helix
from helix.mcp import MCPServer


def value(result):
    data = result.structured_content
    if data is None:
        return json.loads(result.content[0].text) if result.content else None
    return data["result"] if set(data) == {"result"} else data


async def main(port):
    server = MCPServer("walks", Helix(local=True, port=port, verbose=False), verbose=False)
    async with Client(server.mcp) as client:
        async def call(tool, **arguments):
            return value(await client.call_tool(tool, arguments))

        connection = await call("init")
        step = lambda tool, **rest: call(tool, args={"connection_id": connection, **rest})
        assert (await step("n_from_type", node_type="User"))["name"] == "ann"
        assert (await step("next"))["name"] == "bob"
        assert (await step("out_step", edge_label="Follows", edge_type="node"))["name"] == "bob"
        assert (await step("in_e_step", edge_label="Follows"))["since"] == 2019
        assert (await step("e_from_type", edge_type="Follows"))["since"] == 2019
        await step("n_from_type", node_type="User")
        young = {"properties": [[{"key": "age", "operator": "<", "value": 35}]], "filter_traversals": [
            {"tool_name": "out_step", "args": {"edge_label": "Follows", "edge_type": "node"}},
        ]}
        assert (await step("filter_items", filter=young))["name"] == "ann"
        items = await step("collect", range={"start": 0, "end": -1}, drop=False)
        assert [item["name"] for item in items] == ["ann"], items
        found = await step("search_keyword", query="friends", label="Doc", limit=3)
        assert (found[0] if isinstance(found, list) else found)["name"] == "two", found
        assert await step("reset") == connection
        schema = await call("schema_resource", connection_id=connection)
        schema = json.loads(schema) if isinstance(schema, str) else schema
        assert [node["name"] for node in schema["schema"]["nodes"]] == ["Doc", "User"], schema


asyncio.run(main(int(sys.argv[1])))
