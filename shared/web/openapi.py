"""What the OpenAPI document says beyond FastAPI: clean operation ids, and problems as the shape of errors."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

_REPLACED = ("HTTPValidationError", "ValidationError")


def operation_id(route: APIRoute) -> str:
    """Name an operation after its function: `FastAPI(generate_unique_id_function=operation_id)`."""
    return route.name


def document_problems(app: FastAPI, problem: type[BaseModel], *, media_type: str) -> None:
    """Let an app's document describe its errors: 422 and `default` at every operation, and all named ones.

    The component is registered here because a `model=` in `responses` would promise application/json as well.
    """
    original: Callable[[], dict[str, Any]] = app.openapi

    def openapi() -> dict[str, Any]:
        document = original()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        if problem.__name__ in schemas:
            return document
        for name in _REPLACED:
            schemas.pop(name, None)
        schemas.update(_definitions(problem))
        content = {media_type: {"schema": {"$ref": f"#/components/schemas/{problem.__name__}"}}}
        for path in document.get("paths", {}).values():
            for operation in path.values():
                _describe(operation["responses"], content)
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend the document


def _definitions(problem: type[BaseModel]) -> dict[str, Any]:
    _, schema = models_json_schema([(problem, "serialization")], ref_template="#/components/schemas/{model}")
    definitions: dict[str, Any] = schema["$defs"]
    return definitions


def _describe(responses: dict[str, Any], content: dict[str, Any]) -> None:
    responses.setdefault("422", {"description": "The request is not valid"})
    responses["default"] = {"description": "A problem"}
    for status, response in responses.items():
        if status == "default" or status.startswith(("4", "5")):
            response["content"] = content
