"""Nothing is too long to read."""

from tests.guards.source_tree import PRODUCT, functions, modules

FILE_LINES = 400
FUNCTION_LINES = 50
# a migration says what a table looked like on a day, column by column, and is never edited
STRAIGHT = "/migrations/versions/"


def test_no_file_is_longer_than_400_lines() -> None:
    long = [
        f"{name}: {length}"
        for name, tree in modules(*PRODUCT, "tests")
        if tree.body and (length := tree.body[-1].end_lineno or 0) > FILE_LINES
    ]

    assert long == []


def test_no_function_is_longer_than_50_lines() -> None:
    """Its signature is not counted: the options of a command take a line or two each."""
    long = [
        f"{name}:{function.lineno}: {function.name}: {length}"
        for name, tree in modules(*PRODUCT, "tests")
        if STRAIGHT not in name
        for function in functions(tree)
        if (length := (function.end_lineno or 0) - function.body[0].lineno + 1) > FUNCTION_LINES
    ]

    assert long == []
