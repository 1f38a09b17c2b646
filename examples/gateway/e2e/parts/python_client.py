"""What a person does with a client on the official Python SDK, headless. It prints one JSON line per step.

Environment: CLIENT_URL, CLIENT_MODE (`legacy`, `auto` or `2026-07-28`), CLIENT_NAME, CLIENT_REDIRECT, CLIENT_BROWSER
(a program that logs in at an address and prints where that led), CLIENT_DOCUMENT (the URL of a metadata document, or
nothing), and the tools: CLIENT_READ, CLIENT_WRITE (which needs a further scope).
"""

import asyncio
import json
import os

import httpx2
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client
from mcp.shared.auth import OAuthClientMetadata

URL, MODE, NAME, REDIRECT, BROWSER, READ, WRITE = (
    os.environ[f"CLIENT_{name}"] for name in ("URL", "MODE", "NAME", "REDIRECT", "BROWSER", "READ", "WRITE")
)
DOCUMENT = os.environ.get("CLIENT_DOCUMENT") or None


def say(step, value):
    print(json.dumps({"step": step, "value": value}), flush=True)


class Person:
    """A browser, and what a client keeps between requests."""

    def __init__(self):
        self.tokens = None
        self.client = None
        self.asked = []  # the authorization requests
        self.answered = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client

    async def browse(self, asked):
        """Has the browser follow the address up to the redirect URI."""
        self.asked.append(httpx2.URL(asked))
        browser = await asyncio.create_subprocess_exec(BROWSER, asked, stdout=asyncio.subprocess.PIPE)
        led_to, _ = await browser.communicate()
        if browser.returncode:
            raise RuntimeError(f"no way on from {asked}")
        self.answered = httpx2.URL(led_to.decode().strip()).params

    async def answer(self):
        return AuthorizationCodeResult(
            code=self.answered["code"], state=self.answered.get("state"), iss=self.answered.get("iss")
        )


async def main():
    person = Person()
    metadata = OAuthClientMetadata(
        client_name=NAME,
        redirect_uris=[REDIRECT],
        grant_types=["authorization_code", "refresh_token"],
        response_types=["code"],
        token_endpoint_auth_method="none",
        application_type="native",
    )
    auth = OAuthClientProvider(
        URL, metadata, person, person.browse, person.answer, client_metadata_url=DOCUMENT
    )
    async with create_mcp_http_client(auth=auth) as http:
        async with Client(streamable_http_client(URL, http_client=http), mode=MODE) as client:
            say("listed", [tool.name for tool in (await client.list_tools()).tools])
            say("read", not (await client.call_tool(READ, {"region": "north"})).is_error)
            visits, old = len(person.asked), person.tokens.access_token
            say("wrote", not (await client.call_tool(WRITE, {"region": "north"})).is_error)
            say("required", person.asked[-1].params["scope"])
            say("stepped up", len(person.asked) == visits + 1 and person.tokens.access_token != old)
            # The SDK refreshes when its token has expired: until then it presents the old one.
            token, visits = person.tokens.access_token, len(person.asked)
            while person.tokens.access_token == token:
                await asyncio.sleep(0.2)
                await client.call_tool(READ, {"region": "north"})
            say("refreshed", len(person.asked) == visits)
    say("done", True)


asyncio.run(main())
