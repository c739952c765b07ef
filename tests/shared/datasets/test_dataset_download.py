"""Downloads continue where they broke off, and nothing unchecked is left for anyone to read."""

import hashlib
import io
import json
import threading
import zipfile
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from shared.datasets.catalog import Source
from shared.datasets.download import Trust, fetch, fetch_source
from shared.errors import BadInput, JobStopped, NotFound, StorageFailed
from shared.progress import Progress

RATINGS = b"".join(b"%d::%d::5::978300760\n" % (row, row * 7 % 1000) for row in range(40_000))


def zipped(**members: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"ml-1m/{name.replace('_', '.')}", content)
    return held.getvalue()


ARCHIVE = zipped(README=b"hello", ratings_dat=RATINGS)


@dataclass
class Site:
    """A file server on this machine, with the faults that real ones have."""

    content: bytes = ARCHIVE
    etag: str | None = '"first"'
    has_ranges: bool = True
    status: int = 200
    breaks: list[int] = field(default_factory=list)  # bytes after which each of the next answers breaks off
    asked: list[str | None] = field(default_factory=list)  # the Range of each request
    url: str = ""

    def source(
        self, *, sha256: str | None = hashlib.sha256(ARCHIVE).hexdigest(), member="ratings.dat"
    ) -> Source:
        return Source(self.url + ("ml-1m.zip" if member else "ratings.csv"), sha256, member)


@pytest.fixture
def site(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    found = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            found.asked.append(self.headers["Range"])
            start = self.wanted_from()
            if start is not None and start >= len(found.content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(found.content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            body = found.content[start:]
            self.send_response(found.status if start is None else 206)
            self.send_header("Content-Length", str(len(body)))
            if found.etag:
                self.send_header("ETag", found.etag)
            if start is not None:
                total = len(found.content)
                self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
            self.end_headers()
            self.wfile.write(body[: found.breaks.pop(0)] if found.breaks else body)

        def wanted_from(self):
            if not (found.has_ranges and self.headers["Range"] and self.headers["If-Range"] == found.etag):
                return None
            return int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        found.url = f"http://127.0.0.1:{server.server_port}/"
        yield found
        server.shutdown()
        thread.join()


def test_a_download_is_checked_and_unpacked(site, tmp_path):
    fetched = fetch_source(site.source(), folder=tmp_path / "ml-1m")

    assert fetched.path == tmp_path / "ml-1m" / "ratings.dat"
    assert fetched.path.read_bytes() == RATINGS
    assert fetched.trust is Trust.PUBLISHED
    assert fetched.sha256 == site.source().sha256
    assert sorted(path.name for path in fetched.path.parent.iterdir()) == ["ml-1m.zip", "ratings.dat"]


def test_what_is_there_and_sound_is_not_downloaded_again(site, tmp_path):
    fetch_source(site.source(), folder=tmp_path)

    fetched = fetch_source(site.source(), folder=tmp_path)

    assert len(site.asked) == 1
    assert fetched.path.read_bytes() == RATINGS


def test_what_is_there_and_damaged_is_downloaded_again(site, tmp_path):
    fetch_source(site.source(), folder=tmp_path)
    (tmp_path / "ml-1m.zip").write_bytes(b"damaged")

    fetched = fetch_source(site.source(), folder=tmp_path)

    assert len(site.asked) == 2
    assert fetched.path.read_bytes() == RATINGS


def test_a_broken_connection_is_resumed_at_once(site, tmp_path):
    site.breaks = [10_000, 20_000]

    fetched = fetch_source(site.source(), folder=tmp_path)

    assert site.asked == [None, "bytes=10000-", "bytes=30000-"]
    assert fetched.path.read_bytes() == RATINGS


def test_a_connection_that_brings_nothing_more_is_given_up_and_the_part_kept(site, tmp_path):
    site.breaks = [10_000, 0]

    with pytest.raises(StorageFailed, match="the 10,000 bytes that arrived are kept; check the connection"):
        fetch_source(site.source(), folder=tmp_path)
    fetched = fetch_source(site.source(), folder=tmp_path)

    assert site.asked == [None, "bytes=10000-", "bytes=10000-"]
    assert fetched.path.read_bytes() == RATINGS


def test_a_part_that_was_complete_already_is_used(site, tmp_path):
    (tmp_path / "ml-1m.zip.part").write_bytes(ARCHIVE)
    (tmp_path / "ml-1m.zip.part.version").write_text('"first"')

    fetched = fetch_source(site.source(), folder=tmp_path)

    assert site.asked == [f"bytes={len(ARCHIVE)}-"]
    assert fetched.path.read_bytes() == RATINGS


def test_a_part_longer_than_the_file_is_thrown_away(site, tmp_path):
    (tmp_path / "ml-1m.zip.part").write_bytes(ARCHIVE + b"more")
    (tmp_path / "ml-1m.zip.part.version").write_text('"first"')

    with pytest.raises(StorageFailed, match="has changed since the download broke off; fetch again"):
        fetch_source(site.source(), folder=tmp_path)

    assert fetch_source(site.source(), folder=tmp_path).path.read_bytes() == RATINGS


def test_a_stopped_download_is_resumed_next_time(site, tmp_path):
    fractions = []
    stop_early = Progress(
        report=lambda fraction, note: fractions.append(fraction), should_stop=lambda: bool(fractions)
    )

    with pytest.raises(JobStopped, match=r"downloading ml-1m.zip"):
        fetch_source(site.source(), folder=tmp_path, progress=stop_early)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["ml-1m.zip.part", "ml-1m.zip.part.version"]
    fetched = fetch_source(site.source(), folder=tmp_path)

    assert site.asked[1].startswith("bytes=")
    assert fetched.path.read_bytes() == RATINGS


@pytest.mark.parametrize("fault", [{"has_ranges": False}, {"etag": None}])
def test_a_server_that_cannot_resume_is_asked_for_the_whole(site, tmp_path, fault):
    for name, value in fault.items():
        setattr(site, name, value)
    site.breaks = [10_000, 0]
    with pytest.raises(StorageFailed):
        fetch_source(site.source(), folder=tmp_path)

    assert fetch_source(site.source(), folder=tmp_path).path.read_bytes() == RATINGS


def test_a_file_that_changed_meanwhile_is_not_glued_to_the_old_part(site, tmp_path):
    site.breaks = [10_000, 0]
    with pytest.raises(StorageFailed):
        fetch_source(site.source(sha256=None, member=None), folder=tmp_path)
    site.content, site.etag = b"1,2,3.0,4\n" * 5000, '"second"'

    fetched = fetch_source(site.source(sha256=None, member=None), folder=tmp_path)

    assert fetched.path.read_bytes() == site.content


def test_another_checksum_is_an_error_and_the_file_is_removed(site, tmp_path):
    site.content = ARCHIVE + b"tampered"

    with pytest.raises(StorageFailed, match=r"does not have the published checksum .* and was removed"):
        fetch_source(site.source(), folder=tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_progress_tells_the_fraction_that_has_arrived(site, tmp_path):
    told = []

    fetch_source(site.source(), folder=tmp_path, progress=Progress(report=lambda *step: told.append(step)))

    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert 0 < fractions[0] <= fractions[-1] == 1
    assert told[0][1].startswith("downloading ml-1m.zip: ")


def test_a_server_that_is_down_is_a_clear_error(site, tmp_path):
    source = Source("http://127.0.0.1:1/ml-1m.zip", None, None)

    with pytest.raises(
        StorageFailed, match=r"http://127.0.0.1:1/ml-1m.zip could not be downloaded \(.*check the"
    ):
        fetch_source(source, folder=tmp_path)


def test_a_place_that_is_gone_is_a_clear_error(site, tmp_path):
    site.status = 404

    with pytest.raises(StorageFailed, match=r"ml-1m.zip answered 404; look for its new place"):
        fetch_source(site.source(), folder=tmp_path)


def test_without_a_published_checksum_the_first_download_is_trusted_and_recorded(site, tmp_path):
    source = site.source(sha256=None, member=None)

    first = fetch_source(source, folder=tmp_path)
    first.path.unlink()
    second = fetch_source(source, folder=tmp_path)

    assert (first.trust, second.trust) == (Trust.FIRST_USE, Trust.RECORDED)
    assert first.sha256 == second.sha256 == hashlib.sha256(ARCHIVE).hexdigest()
    assert first.sha256 in first.note
    assert json.loads((tmp_path / "checksum.json").read_text())["sha256"] == first.sha256


def test_a_later_download_that_differs_from_the_first_is_an_error(site, tmp_path):
    source = site.source(sha256=None, member=None)
    fetch_source(source, folder=tmp_path).path.unlink()
    site.content, site.etag = b"other", '"second"'

    with pytest.raises(StorageFailed, match=r"checksum of the first download .* or delete .*checksum.json"):
        fetch_source(source, folder=tmp_path)

    assert not (tmp_path / "ratings.csv").exists()


def test_a_damaged_record_is_an_error(site, tmp_path):
    (tmp_path / "checksum.json").write_text("{")

    with pytest.raises(StorageFailed, match=r"checksum.json is damaged; delete it"):
        fetch_source(site.source(sha256=None), folder=tmp_path)


def test_what_is_no_archive_is_an_error(site, tmp_path):
    site.content = b"<html>sorry</html>"

    with pytest.raises(StorageFailed, match=r"ml-1m.zip is no sound zip archive"):
        fetch_source(site.source(sha256=None), folder=tmp_path)


def test_an_archive_without_the_wanted_file_is_an_error(site, tmp_path):
    with pytest.raises(StorageFailed, match=r"ml-1m.zip has no movies.dat in it"):
        fetch_source(site.source(member="movies.dat"), folder=tmp_path)


def test_a_member_is_written_into_the_folder_whatever_its_path_says(site, tmp_path):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("../../ratings.dat", b"1::2::3::4\n")
    site.content = held.getvalue()

    fetched = fetch_source(site.source(sha256=None), folder=tmp_path / "a" / "b")

    assert fetched.path == tmp_path / "a" / "b" / "ratings.dat"
    assert not (tmp_path / "ratings.dat").exists()


def test_an_unknown_name_is_not_found_and_a_generated_one_bad_input(tmp_path):
    with pytest.raises(NotFound, match="no dataset 'ml-2m'"):
        fetch("ml-2m", data_dir=tmp_path)
    with pytest.raises(BadInput, match="nothing to fetch"):
        fetch("synthetic", data_dir=tmp_path)


def test_a_folder_that_cannot_be_made_is_a_clear_error(site, tmp_path):
    (tmp_path / "taken").write_text("a file")

    with pytest.raises(StorageFailed, match=r"taken/ml-1m cannot be written: Not a directory"):
        fetch_source(site.source(), folder=tmp_path / "taken" / "ml-1m")
