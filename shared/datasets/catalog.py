"""The datasets that RecLeak knows by name: what they are, whose they are, and where they come from."""

from dataclasses import dataclass

from shared.datasets.readers import Format
from shared.errors import NotFound


@dataclass(frozen=True)
class Source:
    """The official place of a file.

    url        what is downloaded
    sha256     its checksum; None where nobody publishes one, and the first download is trusted
    member     the file wanted from a zip archive; None if `url` is that file itself
    """

    url: str
    sha256: str | None
    member: str | None

    @property
    def file_name(self) -> str:
        """Name of what is downloaded."""
        return self.url.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Dataset:
    """What there is to know about a dataset before reading it.

    name                            also the folder it lies in
    letter                          in the names of cells; A, L and M are the paper's
    files                           names it may have there and their formats, the first found is read
    n_users, n_items, n_interactions  sizes of the official file; None where the name settles them
    source                          None: it is generated
    """

    name: str
    aliases: tuple[str, ...]
    title: str
    letter: str
    citation: str
    license: str
    url: str
    files: tuple[tuple[str, Format], ...]
    n_users: int | None
    n_items: int | None
    n_interactions: int | None
    source: Source | None


_GENERIC_FILES = (("interactions.csv.gz", Format.CSV), ("interactions.csv", Format.CSV))

ML_1M = Dataset(
    name="ml-1m",
    aliases=(),
    title="MovieLens 1M",
    letter="M",
    citation="F. M. Harper, J. A. Konstan: The MovieLens Datasets: History and Context. ACM TiiS 5(4), 2015.",
    license=(
        "GroupLens: for research, with acknowledgment; "
        "no redistribution and no commercial use without permission."
    ),
    url="https://grouplens.org/datasets/movielens/1m/",
    files=(("ratings.dat", Format.MOVIELENS), ("ratings.dat.gz", Format.MOVIELENS), *_GENERIC_FILES),
    n_users=6_040,
    n_items=3_706,
    n_interactions=1_000_209,
    source=Source(
        url="https://files.grouplens.org/datasets/movielens/ml-1m.zip",
        # the archive whose MD5 GroupLens publishes: c4d9eecfca2ab87c1945afe126590906
        sha256="a6898adb50b9ca05aa231689da44c217cb524e7ebd39d264c56e2832f2c54e20",
        member="ratings.dat",
    ),
)

LASTFM_2K = Dataset(
    name="lastfm-2k",
    aliases=("lf-2k",),
    title="Last.fm 2k (HetRec 2011)",
    letter="L",
    citation=(
        "I. Cantador, P. Brusilovsky, T. Kuflik: 2nd Workshop on Information Heterogeneity and Fusion in "
        "Recommender Systems (HetRec 2011). RecSys 2011."
    ),
    license="GroupLens and Last.fm: for non-commercial use; the terms of Last.fm apply.",
    url="https://grouplens.org/datasets/hetrec-2011/",
    files=(
        ("user_artists.dat", Format.LASTFM),
        ("user_artists.dat.gz", Format.LASTFM),
        *_GENERIC_FILES,
    ),
    n_users=1_892,
    n_items=17_632,
    n_interactions=92_834,
    source=Source(
        url="https://files.grouplens.org/datasets/hetrec2011/hetrec2011-lastfm-2k.zip",
        sha256="6738f48195667ff03caaab4d32ca9a3133d8cc026b7c3cdaf6ce1010e913c59c",
        member="user_artists.dat",
    ),
)

ADM = Dataset(
    name="adm",
    aliases=(),
    title="Amazon Digital Music (2014, ratings only)",
    letter="A",
    citation=(
        "J. McAuley, C. Targett, Q. Shi, A. van den Hengel: Image-based Recommendations on Styles and "
        "Substitutes. SIGIR 2015."
    ),
    license="No license is stated: collected from Amazon and offered for research; do not redistribute it.",
    url="https://jmcauley.ucsd.edu/data/amazon/links.html",
    files=(
        ("ratings_Digital_Music.csv", Format.AMAZON),
        ("ratings_Digital_Music.csv.gz", Format.AMAZON),
        *_GENERIC_FILES,
    ),
    n_users=478_235,
    n_items=266_414,
    n_interactions=836_006,
    source=Source(
        url="https://snap.stanford.edu/data/amazon/productGraph/categoryFiles/ratings_Digital_Music.csv",
        sha256=None,
        member=None,
    ),
)

SYNTHETIC = Dataset(
    name="synthetic",
    aliases=(),
    title="Synthetic: a long tail of items, users with tastes",
    letter="S",
    citation="RecLeak.",
    license="Apache-2.0, as RecLeak itself; it describes nobody.",
    url="",
    files=(),
    n_users=None,
    n_items=None,
    n_interactions=None,
    source=None,
)

DATASETS = (ADM, LASTFM_2K, ML_1M, SYNTHETIC)


def find(name: str) -> Dataset:
    """Give the dataset of a name or alias; `synthetic:key=value,...` is `synthetic`.

    Raises NotFound, listing the known names.
    """
    head = name.partition(":")[0] if name.startswith(f"{SYNTHETIC.name}:") else name
    for dataset in DATASETS:
        if head in (dataset.name, *dataset.aliases):
            return dataset
    known = ", ".join(" or ".join((dataset.name, *dataset.aliases)) for dataset in DATASETS)
    raise NotFound(
        f"there is no dataset {name!r}; choose from {known}, synthetic:key=value,..., "
        f"or give the path of a CSV file (user,item[,rating[,timestamp]])"
    )
