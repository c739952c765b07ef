"""The wire contract, in one place: every request and answer of both services."""
