"""Bare aiohttp: get single lists, so many at a time, and drop the bytes.

Arguments: JSON of url, key, users (a file of ids), k, at_once, loop ("asyncio" or "uvloop").
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import aiohttp
import uvloop

from lab.bench.clock import Clock


async def main(options: dict[str, Any]) -> None:
    """Ask, tell."""
    users = Path(options["users"]).read_text(encoding="utf-8").split()
    waiting = iter(users)
    clock = Clock()
    connector = aiohttp.TCPConnector(limit=options["at_once"])
    headers = {"X-API-Key": options["key"]}
    async with aiohttp.ClientSession(options["url"], connector=connector, headers=headers) as session:

        async def ask() -> None:
            for user in waiting:
                path = f"/v1/users/{user}/recommendations?k={options['k']}"
                async with session.get(path) as response:
                    response.raise_for_status()
                    await response.read()

        with clock.part("lists"):
            await asyncio.gather(*(ask() for _ in range(options["at_once"])))
    clock.tell(units=len(users), packages=("aiohttp",), notes=("bare aiohttp neither parses nor stores",))


given = json.loads(sys.argv[1])
with asyncio.Runner(loop_factory=uvloop.new_event_loop if given["loop"] == "uvloop" else None) as runner:
    runner.run(main(given))
