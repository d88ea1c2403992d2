"""The official client of the Model Context Protocol against a running instance: official.py PORT."""

import asyncio
import json
import sys

from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client


async def main(port):
    async with streamable_http_client(f"http://127.0.0.1:{port}/mcp") as streams:
        async with ClientSession(streams[0], streams[1]) as session:
            info = await session.initialize()
            server = getattr(info, "server_info", None) or info.serverInfo
            assert server.name == "helix", info
            listed = {tool.name: tool for tool in (await session.list_tools()).tools}
            assert {"older", "add", "init", "n_from_type", "collect"} <= listed.keys(), listed.keys()
            assert "setup" not in listed
            schema = getattr(listed["older"], "input_schema", None) or listed["older"].inputSchema
            assert schema["required"] == ["than"], schema
            assert schema["properties"]["than"] == {"type": "integer", "minimum": 0, "maximum": 255}, schema

            async def call(tool, fails=False, **arguments):
                result = await session.call_tool(tool, arguments)
                failed = getattr(result, "is_error", None)
                failed = result.isError if failed is None else failed
                assert bool(failed) == fails, result
                text = result.content[0].text
                return text if fails else json.loads(text)

            assert await call("older", than=30) == {"users": ["ann", "bob"]}
            assert await call("add", name="dan", age=50) == {"user": {"name": "dan", "age": 50}}
            assert "than" in await call("older", fails=True)
            connection = await call("init")
            first = await call("n_from_type", connection_id=connection, node_type="User")
            assert first["name"] == "ann", first
            old = {"properties": [[{"key": "age", "operator": ">", "value": 35}]]}
            await call("filter_items", connection_id=connection, filter=old)
            await call("order_by", connection_id=connection, properties="age", order="desc")
            assert (await call("next", connection_id=connection))["name"] == "bob"
            items = await call("collect", connection_id=connection, drop=False)
            assert [item["name"] for item in items] == ["dan", "bob"], items
            groups = await call("group_by", connection_id=connection, properties=["city"])
            assert groups["Count"]["Oslo"]["count"] == 1, groups
            assert "walk is empty" in await call("next", fails=True, connection_id=connection)
            try:
                await session.call_tool("setup", {})
            except Exception as error:
                assert "no tool" in str(error), error
            else:
                raise AssertionError("a query without the macro was called")


asyncio.run(main(int(sys.argv[1])))
