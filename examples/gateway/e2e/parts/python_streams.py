"""A client on the official Python SDK with a token that it was given: it lists, calls a tool that tells progress, and ends.
It prints one JSON line per step.

Environment: CLIENT_URL, CLIENT_MODE (`legacy`, `auto` or `2026-07-28`), CLIENT_NAME (sent as `X-Client`), CLIENT_TOKEN,
CLIENT_KEY (what the tool waits for) and CLIENT_RELEASE (where a POST lets it go on).
"""

import asyncio
import json
import os

import httpx2
from mcp import Client
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client

URL, MODE, NAME, TOKEN, KEY, RELEASE = (
    os.environ[f"CLIENT_{name}"] for name in ("URL", "MODE", "NAME", "TOKEN", "KEY", "RELEASE")
)


def say(step, value):
    print(json.dumps({"step": step, "value": value}), flush=True)


async def main():
    told = []

    async def progress(step, total, message):
        told.append(step)
        async with httpx2.AsyncClient() as plain:
            while not (await plain.post(RELEASE)).is_success:
                await asyncio.sleep(0.02)

    headers = {"Authorization": f"Bearer {TOKEN}", "X-Client": NAME}
    async with create_mcp_http_client(headers=headers) as http:
        async with Client(streamable_http_client(URL, http_client=http), mode=MODE) as client:
            say("listed", [tool.name for tool in (await client.list_tools()).tools])
            result = await client.call_tool("steps", {"key": KEY, "count": 3}, progress_callback=progress)
            say("progress", told)
            say("result", result.content[0].text)


asyncio.run(main())
