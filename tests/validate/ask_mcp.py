"""Asks `freehold mcp` with the official client of the Model Context Protocol: prints what came back, a line each."""

import asyncio
import json
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


async def main(program, calls):
    async with stdio_client(StdioServerParameters(command=program, args=["mcp"])) as (read, write):
        async with ClientSession(read, write) as session:
            hello = await session.initialize()
            print("server", hello.server_info.name)
            tools = await session.list_tools()
            print("tools", " ".join(t.name for t in tools.tools))
            print("read-only", all(t.annotations.read_only_hint for t in tools.tools))
            for name, arguments in calls:
                answer = await session.call_tool(name, arguments)
                print(name, answer.is_error, json.dumps(answer.content[0].text))


asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))
