"""One Starlette route that returns bytes made beforehand.

Arguments: file to write the port to, items in a list.
"""

import sys

from served_bytes import answer, run
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

CONTENT = answer(int(sys.argv[2]))


async def read(_request):
    """Give the same list to everybody."""
    return Response(CONTENT, media_type="application/json")


run(Starlette(routes=[Route("/v1/users/{user_id}/recommendations", read)]), sys.argv[1])
