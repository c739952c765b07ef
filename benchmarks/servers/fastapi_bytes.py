"""One FastAPI route that returns bytes made beforehand.

Arguments: file to write the port to, items in a list.
"""

import sys

from fastapi import FastAPI
from served_bytes import answer, run
from starlette.responses import Response

CONTENT = answer(int(sys.argv[2]))
app = FastAPI()


@app.get("/v1/users/{user_id}/recommendations")
async def read(user_id: str, k: int = 100) -> Response:
    """Give the same list to everybody."""
    return Response(CONTENT, media_type="application/json")


run(app, sys.argv[1])
