"""Lists are written by compiled loops as JSON would write them, and batches leave part by part."""

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.target.list_json import NO_LIST, ItemJson
from tests.target.running import Running
from tests.target.test_target_fast_lane import Answer, scope_of

NAMES = st.lists(st.text(max_size=20), min_size=1, max_size=12, unique=True)
K = 5


def compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


@given(names=NAMES, data=st.data())
def test_lists_and_pages_are_what_json_would_write(names: list[str], data: st.DataObject) -> None:
    written = ItemJson.of(names)
    rows = data.draw(st.lists(st.integers(0, len(names) - 1), max_size=K))
    begin, end = data.draw(st.integers(0, 15)), data.draw(st.integers(0, 15))

    assert b"[%b]" % written.join(np.array(rows, dtype=np.int32)) == compact([names[row] for row in rows])
    assert b"[%b]" % written.page(begin, end) == compact(names[begin:end])


@given(names=NAMES, n_users=st.integers(1, 300), seed=st.integers(0, 99))
def test_a_batch_is_what_json_would_write_in_parts_of_bounded_size(
    names: list[str], n_users: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    items = rng.integers(0, len(names), (7, K)).astype(np.int32)
    places = rng.integers(0, 7, n_users)
    lengths = rng.choice([NO_LIST, 0, 1, K], n_users).astype(np.int32)
    users = [names[number % len(names)] for number in range(n_users)]
    batch = ItemJson.of(names).batch(users, items, places, lengths)
    parts = list(batch.parts)

    lists = [
        None if n == NO_LIST else [names[row] for row in items[place, :n]]
        for place, n in zip(places, lengths, strict=True)
    ]
    entries = [{"user_id": user, "items": one} for user, one in zip(users, lists, strict=True)]
    assert b"".join(parts) == compact({"recommendations": entries})
    assert batch.n_bytes == sum(map(len, parts))
    assert len(parts) == -(-n_users // 128)


def test_a_batch_is_sent_in_parts_while_the_next_are_made(target: Running) -> None:
    body = compact({"user_ids": [f"u{number}" for number in range(1000)], "k": 20})
    scope = scope_of("/v1/recommendations:batch", [(b"content-type", b"application/json")], method="POST")
    answer = Answer()

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    target.run(target.app(scope, receive, answer.send))
    status, headers, content = answer.told

    assert status == 200 and headers[b"content-type"] == b"application/json"
    assert int(headers[b"content-length"]) == len(content)
    assert len(answer.parts) >= 8 and max(map(len, answer.parts)) < len(content) / 5
    assert len(json.loads(content)["recommendations"]) == 1000
