"""One download over HTTP that goes on where it broke off."""

from dataclasses import dataclass
from pathlib import Path

import httpx

from shared.errors import StorageFailed
from shared.progress import Progress

_TIMEOUT = httpx.Timeout(connect=15.0, read=60.0, write=15.0, pool=15.0)
_MAX_ATTEMPTS = 5


@dataclass(frozen=True)
class ResumableDownloader:
    """A downloader as pooch wants it: called with a URL and the file to fill.

    part      what has arrived so far; kept when the connection breaks or somebody stops the work, and
              continued by a Range request next time if the server still has the same version of the file
    progress  told the fraction that has arrived; polled for a stop at every chunk
    """

    part: Path
    progress: Progress

    def __call__(self, url: str, output_file: str | Path, _pooch: object) -> None:
        """Fill `output_file`; a broken connection is tried again as long as each attempt brings something.

        Raises StorageFailed if the server cannot be reached, refuses, or keeps breaking off, or if the disk
        cannot take the file; JobStopped if asked to stop.
        """
        with httpx.Client(follow_redirects=True, timeout=_TIMEOUT) as client:
            for attempt in range(1, _MAX_ATTEMPTS + 1):
                before = self._n_done()
                try:
                    self._continue(client, url)
                    break
                except httpx.HTTPError as error:
                    if attempt == _MAX_ATTEMPTS or self._n_done() <= before:
                        raise StorageFailed(self._unreachable(url, error)) from error
                except OSError as error:
                    raise StorageFailed(f"{self.part} cannot be written: {error.strerror}") from error
        self.part.replace(output_file)
        self._version.unlink(missing_ok=True)

    @property
    def _version(self) -> Path:
        """Which version of the file the part belongs to: its strong ETag, or its date."""
        return self.part.with_name(f"{self.part.name}.version")

    def _n_done(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _continue(self, client: httpx.Client, url: str) -> None:
        version = self._version.read_text() if self._version.exists() and self._n_done() else None
        headers = {"Accept-Encoding": "identity"}
        if version:
            headers |= {"Range": f"bytes={self._n_done()}-", "If-Range": version}
        with client.stream("GET", url, headers=headers) as response:
            if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                return self._check_complete(response, url)
            if response.status_code not in (httpx.codes.OK, httpx.codes.PARTIAL_CONTENT):
                raise StorageFailed(f"{url} answered {response.status_code}; look for its new place")
            return self._receive(response, url)

    def _check_complete(self, response: httpx.Response, url: str) -> None:
        """Nothing is left to send: all is here, or else the part is no good and the next time starts anew."""
        if response.headers.get("Content-Range") != f"bytes */{self._n_done()}":
            self.part.unlink(missing_ok=True)
            raise StorageFailed(f"{url} has changed since the download broke off; fetch again")

    def _receive(self, response: httpx.Response, url: str) -> None:
        is_rest = response.status_code == httpx.codes.PARTIAL_CONTENT
        n_before = self._n_done() if is_rest else 0
        content_range = response.headers.get("Content-Range", "")
        if is_rest and not content_range.startswith(f"bytes {n_before}-"):
            raise StorageFailed(f"{url} answered with {content_range!r} where byte {n_before} was asked for")
        n_total = n_before + int(response.headers.get("Content-Length", 0))
        # raw, as it comes: what arrived before a break is kept, and offsets are the server's
        with self.part.open("ab" if is_rest else "wb") as file:
            if not is_rest:
                self._remember_version(response)
            for chunk in response.iter_raw():
                file.write(chunk)
                self._tell(file.tell(), n_total)

    def _remember_version(self, response: httpx.Response) -> None:
        etag = response.headers.get("ETag", "")
        version = etag if etag.startswith('"') else response.headers.get("Last-Modified", "")
        self._version.write_text(version)

    def _tell(self, n_done: int, n_total: int) -> None:
        fraction = n_done / n_total if n_total else 0.0
        self.progress.step(fraction, f"downloading {self.part.stem}: {n_done / 1e6:.1f} MB")

    def _unreachable(self, url: str, error: httpx.HTTPError) -> str:
        arrived = f"; the {self._n_done():,} bytes that arrived are kept" if self._n_done() else ""
        return f"{url} could not be downloaded ({error}){arrived}; check the connection and fetch again"
