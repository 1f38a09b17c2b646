"""What a person does with a client on the official Python SDK, headless. It prints one JSON line per step.

Environment: CLIENT_URL, CLIENT_LOGIN, CLIENT_MODE (`legacy`, `auto` or `2026-07-28`), CLIENT_NAME, CLIENT_REDIRECT,
and the tools: CLIENT_READ, CLIENT_WRITE (which needs a further scope).
"""

import asyncio
import json
import os

import httpx2
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client
from mcp.shared.auth import OAuthClientMetadata

URL, LOGIN, MODE, NAME, REDIRECT, READ, WRITE = (
    os.environ[f"CLIENT_{name}"] for name in ("URL", "LOGIN", "MODE", "NAME", "REDIRECT", "READ", "WRITE")
)


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
        """Follows redirects, with cookies, up to the redirect URI."""
        self.asked.append(httpx2.URL(asked))
        at = httpx2.URL(asked).copy_merge_params({"login_hint": LOGIN})
        async with httpx2.AsyncClient() as browser:
            for _ in range(20):
                response = await browser.get(at)
                if "location" not in response.headers:
                    raise RuntimeError(f"no way on from {at}: {response.status_code} {response.text[:300]}")
                at = at.join(response.headers["location"])
                if str(at).startswith(REDIRECT):
                    self.answered = at.params
                    return
        raise RuntimeError("too many redirects")

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
    auth = OAuthClientProvider(URL, metadata, person, person.browse, person.answer)
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
