"""What a target's answers must look like, checked before anybody sees them.

By hand and not by pydantic: for 500 lists of 100 items the models take several times as long as reading the
JSON. A test holds both against each other.
"""

from collections.abc import Sequence
from typing import Any

from shared.errors import TargetBrokeContract

NAME_LENGTH_MAX = 200

Names = list[str]


def recommendations(answer: object, *, user_id: str, k: int, url: str) -> Names:
    """Read one user's list. Raises TargetBrokeContract unless it is one of this user and at most k long."""
    body = _object(answer, url)
    _check_user(body.get("user_id"), user_id, url)
    return _items(body.get("items"), user_id=user_id, k=k, url=url)


def batch(answer: object, *, user_ids: Sequence[str], k: int, url: str) -> list[Names | None]:
    """Read the lists of many users, in the order asked for; None = not found.

    Raises TargetBrokeContract unless there is one answer for each user, each as `recommendations` wants it.
    """
    entries = _object(answer, url).get("recommendations")
    if not isinstance(entries, list) or len(entries) != len(user_ids):
        found = f"{len(entries)} answers" if isinstance(entries, list) else "no answers"
        raise TargetBrokeContract(f"{url} gave {found} to a question about {len(user_ids)} users")
    lists: list[Names | None] = []
    for entry, user_id in zip(entries, user_ids, strict=True):
        body = _object(entry, url)
        _check_user(body.get("user_id"), user_id, url)
        items = body.get("items", 0)
        lists.append(None if items is None else _items(items, user_id=user_id, k=k, url=url))
    return lists


def history(answer: object, *, user_id: str, url: str) -> Names:
    """Read a public profile. Raises TargetBrokeContract unless it is one of this user; repeats are left."""
    body = _object(answer, url)
    _check_user(body.get("user_id"), user_id, url)
    return _names(body.get("items"), "the history of", user_id, url=url)


def user_page(answer: object, *, url: str) -> tuple[Names, str | None]:
    """Read a page of users and where the next one begins. Raises TargetBrokeContract if it is none."""
    body = _object(answer, url)
    cursor = body.get("next_cursor", 0)
    if not (cursor is None or (isinstance(cursor, str) and cursor)):
        raise TargetBrokeContract(f"{url} gave no next_cursor with a page of users")
    return _names(body.get("users"), "a page of users", url=url), cursor


def membership(
    answer: object, *, asked: Sequence[str], deployment: str | None, url: str
) -> tuple[str, dict[str, bool]]:
    """Read the oracle's answer: the deployment, and who is a member of the users whom it knows.

    Raises TargetBrokeContract if it is none, or not about the users and the deployment asked for.
    """
    body = _object(answer, url)
    names = _names(body.get("user_ids"), "the truth", url=url)
    truth = body.get("is_member")
    if not isinstance(truth, list) or len(truth) != len(names) or not {True, False} >= _kinds(truth):
        raise TargetBrokeContract(f"{url} gave no list of true and false, one for each user")
    unknown = set(_names(body.get("unknown"), "the unknown users", url=url))
    if names != [user_id for user_id in asked if user_id not in unknown] or not unknown <= set(asked):
        raise TargetBrokeContract(f"{url} told the truth about other users than those asked for")
    found = body.get("deployment")
    if not isinstance(found, str) or (deployment is not None and found != deployment):
        raise TargetBrokeContract(f"{url} told the truth about {found!r:.80}, asked for was {deployment!r}")
    return found, dict(zip(names, truth, strict=True))


def _kinds(truth: list[Any]) -> set[object]:
    return {one if isinstance(one, bool) else None for one in truth}


def _object(answer: object, url: str) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise TargetBrokeContract(f"{url} gave JSON of another kind than the contract's: {answer!r:.80}")
    return answer


def _check_user(found: object, asked: str, url: str) -> None:
    if found != asked:
        raise TargetBrokeContract(
            f"{url} answered about the user {found!r:.80}, asked for was {_shown(asked)}"
        )


def _items(items: object, *, user_id: str, k: int, url: str) -> Names:
    names = _names(items, "the list of", user_id, url=url)
    if len(names) > k:
        raise TargetBrokeContract(
            f"{url} gave {len(names)} items in the list of {_shown(user_id)}, asked for were {k}"
        )
    if len(set(names)) != len(names):
        raise TargetBrokeContract(f"{url} named an item twice in the list of {_shown(user_id)}")
    return names


def _names(found: object, what: str, whose: str | None = None, *, url: str) -> Names:
    """Check ids: text of 1 to 200 letters, without what cannot be stored (zero, half a surrogate pair).

    Nothing is done in Python for each id, and no sentence made before it is needed: checking single lists is
    a tenth of asking for them.
    """
    try:
        if isinstance(found, list):
            joined = "".join(found)
            joined.encode()
            lengths = set(map(len, found))
            if "\x00" not in joined and (not lengths or 1 <= min(lengths) <= max(lengths) <= NAME_LENGTH_MAX):
                return found
    except (TypeError, UnicodeEncodeError):
        pass
    raise _no_names(found, what if whose is None else f"{what} {_shown(whose)}", url)


def _no_names(found: object, what: str, url: str) -> TargetBrokeContract:
    """Say what is wrong with ids."""
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        return TargetBrokeContract(f"{url} gave {found!r:.80} as {what}, which is no list of ids")
    if not all(1 <= len(name) <= NAME_LENGTH_MAX for name in found):
        return TargetBrokeContract(f"{url} gave an id in {what} that has not 1 to {NAME_LENGTH_MAX} letters")
    if any("\x00" in name for name in found):
        return TargetBrokeContract(f"{url} gave an id in {what} with a zero in it")
    return TargetBrokeContract(f"{url} gave an id in {what} that is no text")


def _shown(name: str) -> str:
    return repr(name[:80])
