"""Pages in a real browser: what a script must draw is drawn, and nothing is asked of another host."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.e2e.processes import recleak_once, serving

pytestmark = pytest.mark.browser

CHROMIUM = os.environ.get("RECLEAK_TEST_CHROMIUM", "")
QUIET = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--virtual-time-budget=10000",
]  # fmt: skip


def drawn(folder: Path, address: str) -> str:
    """Open a page, let its scripts run, and give the document that came of it."""
    command = [CHROMIUM, *QUIET, f"--user-data-dir={folder / 'browser'}", "--dump-dom", address]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


@pytest.mark.parametrize(
    ("service", "operation"), [("target", "/v1/recommendations:batch"), ("attacker", "/v1/attacks")]
)
def test_the_documentation_of_the_api_is_drawn_without_the_internet(
    tmp_path: Path, service: str, operation: str
) -> None:
    with serving(service, tmp_path) as running:
        page = drawn(tmp_path, f"{running.url}/docs")

    shown = {re.sub(r"<[^>]*>|\u200b", "", one) for one in re.findall(r'data-path="([^"]*)"', page)}
    assert operation in shown, "the page lists no operation: its scripts did not run"


def test_the_report_of_a_run_is_one_page(tmp_path: Path) -> None:
    done = recleak_once(tmp_path, "experiment", "run", "smoke-attack", "--out", "run")
    assert done.returncode == 0, done.stderr

    page = drawn(tmp_path, (tmp_path / "run" / "report.html").as_uri())

    assert page.count("<svg") >= 4
    assert "<script" not in page and not re.search(r'(?:src|href)="https?:', page)
