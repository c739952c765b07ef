"""Files in the official formats become interactions; what is no good is counted, named and left out."""

import gzip
from pathlib import Path

import pytest

from shared.datasets.readers import MAX_ID_LENGTH, BadRow, Format, read
from shared.errors import BadInput, NotFound
from shared.interactions import Interactions


def written(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


def pairs(interactions: Interactions) -> set[tuple[str, str]]:
    rows, columns = interactions.histories.nonzero()
    users, items = interactions.user_ids.names_of(rows), interactions.item_ids.names_of(columns)
    return set(zip(users, items, strict=True))


OFFICIAL = {
    Format.MOVIELENS: ("ratings.dat", "1::1193::5::978300760\n1::661::3::978302109\n2::661::1::978298413\n"),
    Format.LASTFM: (
        "user_artists.dat",
        "userID\tartistID\tweight\n1\t1193\t13883\n1\t661\t1\n2\t661\t11690\n",
    ),
    Format.AMAZON: ("r.csv", "1,1193,5.0,1203984000\n1,661,1.0,1378425600\n2,661,4.5,1378425600\n"),
    Format.CSV: ("i.csv", "user,item\n1,1193\n1,661\n2,661\n"),
}


@pytest.mark.parametrize("file_format", Format)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_every_official_format_gives_the_same_interactions(tmp_path, file_format, newline):
    name, text = OFFICIAL[file_format]

    interactions, report = read(written(tmp_path / name, text.replace("\n", newline)), file_format)

    assert pairs(interactions) == {("1", "1193"), ("1", "661"), ("2", "661")}
    assert interactions.item_ids.names == ("661", "1193")
    assert (report.n_rows, report.n_bad, report.bad_rows, report.n_duplicates) == (3, 0, (), 0)


@pytest.mark.parametrize("file_format", Format)
def test_a_gzip_file_reads_like_the_plain_one(tmp_path, file_format):
    name, text = OFFICIAL[file_format]
    plain, _ = read(written(tmp_path / name, text), file_format)
    packed = tmp_path / f"{name}.gz"
    packed.write_bytes(gzip.compress(text.encode()))

    interactions, report = read(packed, file_format)

    assert interactions.content_hash == plain.content_hash
    assert report.path == packed


def test_bad_rows_are_left_out_and_reported_with_line_and_reason(tmp_path):
    text = "1::10::5::7\n1::10\n::10::5::7\n2:: ::5::7\n2::11::five::7\n2::11::5::nan\n"
    text += "\n2::12::4::7::9\n3::10::1::1"

    interactions, report = read(written(tmp_path / "ratings.dat", text), Format.MOVIELENS)

    assert pairs(interactions) == {("1", "10"), ("3", "10")}
    assert (report.n_rows, report.n_bad) == (8, 6)
    assert report.bad_rows == (
        BadRow(2, "4 fields expected, 2 found"),
        BadRow(3, "the user id is empty"),
        BadRow(4, "the item id is empty"),
        BadRow(5, "the rating is not a number"),
        BadRow(6, "the timestamp is not a number"),
        BadRow(8, "4 fields expected, 5 found"),
    )


def test_line_numbers_count_the_header_and_blank_lines(tmp_path):
    _, report = read(written(tmp_path / "i.csv", "user,item\n\n\na,b\nbroken\n"), Format.CSV)

    assert report.bad_rows == (BadRow(5, "2 fields expected, 1 found"),)


def test_all_bad_rows_are_counted_and_the_first_twenty_told(tmp_path):
    """The two kinds of fault are interleaved, so that the first twenty take some of each."""
    text = "a,b,1,1\n" + "x,y\n,y,1,1\n" * 50

    _, report = read(written(tmp_path / "r.csv", text), Format.AMAZON)

    assert report.n_bad == 100
    assert [row.line for row in report.bad_rows] == list(range(2, 22))


def test_repeats_count_once_and_are_reported(tmp_path):
    interactions, report = read(written(tmp_path / "i.csv", "a,x\na,x\na,y\n a , x \n"), Format.CSV)

    assert interactions.n_interactions == 2
    assert interactions.histories.data.tolist() == [1.0, 1.0]
    assert report.n_duplicates == 2


@pytest.mark.parametrize("text", ["", "\n\n", "user,item\n", "\ufeff"])
def test_a_file_without_rows_is_bad_input(tmp_path, text):
    with pytest.raises(BadInput, match=r"empty.csv holds no rows"):
        read(written(tmp_path / "empty.csv", text), Format.CSV)


def test_a_file_of_bad_rows_only_is_bad_input_that_says_why(tmp_path):
    with pytest.raises(BadInput, match=r"ratings.dat holds no good row \(line 1: 4 fields expected, 1 found"):
        read(written(tmp_path / "ratings.dat", "hello\n1::2::x::4\n"), Format.MOVIELENS)


def test_ids_may_be_in_any_script_and_very_long_numbers(tmp_path):
    huge = "9" * MAX_ID_LENGTH
    text = f"Zoë,寿司\n🎧,naïve café\n{huge},{huge}\n"

    interactions, report = read(written(tmp_path / "i.csv", text), Format.CSV)

    assert pairs(interactions) == {("Zoë", "寿司"), ("🎧", "naïve café"), (huge, huge)}
    assert report.n_bad == 0


def test_an_id_beyond_the_limit_is_a_bad_row(tmp_path):
    _, report = read(written(tmp_path / "i.csv", f"a,x\nb,{'9' * 10_000}\n"), Format.CSV)

    assert report.bad_rows == (BadRow(2, f"the item id has more than {MAX_ID_LENGTH} characters"),)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("i.csv", "u1,a\nu2,b\n"),
        ("i.csv", "user_id,item_id\nu1,a\nu2,b\n"),
        ("i.csv", "User ID,Item ID,Rating\nu1,a,1\nu2,b,2.5\n"),
        ("i.csv", "u1,a,1,100\nu2,b,2,200\n"),
        ("i.csv", "u1;a\nu2;b\n"),
        ("i.csv", '"u1","a"\n"u2",b\n'),
        ("i.csv", "\ufeffuser,item\nu1,a\nu2,b\n"),
        ("i.tsv", "u1\ta\nu2\tb\n"),
        ("i.dat", "u1\ta\t3\nu2\tb\t4\n"),
        ("i.dat", "u1::a::3::1\nu2::b::4::1\n"),
    ],
)
def test_a_generic_file_may_have_a_header_other_delimiters_and_quotes(tmp_path, name, text):
    interactions, report = read(written(tmp_path / name, text), Format.CSV)

    assert pairs(interactions) == {("u1", "a"), ("u2", "b")}
    assert (report.n_rows, report.n_bad) == (2, 0)


def test_in_a_tsv_a_comma_belongs_to_the_id(tmp_path):
    interactions, _ = read(written(tmp_path / "i.tsv", "u1\tGuns, Roses\n"), Format.CSV)

    assert pairs(interactions) == {("u1", "Guns, Roses")}


def test_a_quoted_id_keeps_its_delimiter_and_its_quotes(tmp_path):
    text = 'u1,"Earth, Wind & Fire"\nu2,"say ""hi"""\n'

    interactions, _ = read(written(tmp_path / "i.csv", text), Format.CSV)

    assert pairs(interactions) == {("u1", "Earth, Wind & Fire"), ("u2", 'say "hi"')}


def test_an_official_id_keeps_its_quotes(tmp_path):
    interactions, _ = read(written(tmp_path / "r.csv", '"u",i,1,1\n'), Format.AMAZON)

    assert pairs(interactions) == {('"u"', "i")}


def test_columns_in_the_other_order_are_refused(tmp_path):
    with pytest.raises(BadInput, match="item before the user"):
        read(written(tmp_path / "i.csv", "item,user\na,u1\n"), Format.CSV)


def test_the_order_of_the_rows_changes_nothing(tmp_path):
    forward, _ = read(written(tmp_path / "a.csv", "b,2\na,10\na,1\n"), Format.CSV)
    backward, _ = read(written(tmp_path / "b.csv", "a,1\na,10\nb,2\n"), Format.CSV)

    assert forward.content_hash == backward.content_hash


def test_a_missing_file_is_not_found(tmp_path):
    with pytest.raises(NotFound, match=r"no file gone.csv"):
        read(tmp_path / "gone.csv", Format.CSV)


def test_a_folder_is_bad_input(tmp_path):
    with pytest.raises(BadInput, match="is a folder"):
        read(tmp_path, Format.CSV)


def test_a_truncated_gzip_is_bad_input(tmp_path):
    packed = gzip.compress(b"a,b\n" * 1000)
    (tmp_path / "i.csv.gz").write_bytes(packed[: len(packed) // 2])

    with pytest.raises(BadInput, match=r"i.csv.gz is a truncated gzip"):
        read(tmp_path / "i.csv.gz", Format.CSV)


def test_a_damaged_gzip_is_bad_input(tmp_path):
    packed = bytearray(gzip.compress(bytes(range(32, 127)) * 50))
    packed[len(packed) // 2] ^= 0xFF
    (tmp_path / "i.csv.gz").write_bytes(bytes(packed))

    with pytest.raises(BadInput, match=r"i.csv.gz is not a sound gzip"):
        read(tmp_path / "i.csv.gz", Format.CSV)


def test_a_plain_file_called_gz_is_bad_input(tmp_path):
    with pytest.raises(BadInput, match="not a sound gzip"):
        read(written(tmp_path / "i.csv.gz", "a,b\n"), Format.CSV)


def test_text_in_another_encoding_is_bad_input_that_names_the_line(tmp_path):
    (tmp_path / "i.csv").write_bytes("a,b\nc,Beyoncé\n".encode("latin-1"))

    with pytest.raises(BadInput, match=r"not UTF-8 text \(line 2\)"):
        read(tmp_path / "i.csv", Format.CSV)


def test_a_binary_file_is_bad_input(tmp_path):
    (tmp_path / "i.csv").write_bytes(b"a,b\n\x00\x01\x02\n")

    with pytest.raises(BadInput, match=r"not a text file \(byte 0x00 in line 2\)"):
        read(tmp_path / "i.csv", Format.CSV)
