"""Character data: vocabulary, parts, streams, and clear errors for texts that will not do."""

import numpy as np
import pytest

from rnngraph.tasks.text import Streams, TextError, encode, read


def written(tmp_path, content):
    path = tmp_path / "some.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_parts_are_contiguous_and_whole(tmp_path):
    content = "".join(chr(97 + i % 26) for i in range(1000))
    text = read(written(tmp_path, content))
    assert [len(p) for p in (text.train, text.validation, text.test)] == [800, 100, 100]
    assert text.decode(np.concatenate([text.train, text.validation, text.test])) == content


def test_unicode_and_line_ends(tmp_path):
    text = read(written(tmp_path, "\ufeff" + "Привет, 🌍!\r\nßµ\r" * 20))
    assert "🌍" in text.characters
    assert "\r" not in text.characters and "\ufeff" not in text.characters
    assert text.decode(text.train).startswith("Привет, 🌍!\nßµ\nПривет")


def test_another_encoding_is_an_error_until_it_is_named(tmp_path):
    path = written(tmp_path, "café au lait ".encode("latin-1") * 10)
    with pytest.raises(TextError, match=r"not utf-8: .* at byte 3; .*--encoding latin-1"):
        read(path)
    assert "é" in read(path, encoding="latin-1").characters
    with pytest.raises(TextError, match="no encoding 'latin-99'"):
        read(path, encoding="latin-99")


@pytest.mark.parametrize(("content", "message"), [
    ("", "is empty"), ("abcdefgh", "has 8 characters, too few"), (b"\xef\xbb\xbf", "is empty"),
])
def test_texts_that_will_not_do(tmp_path, content, message):
    with pytest.raises(TextError, match=message):
        read(written(tmp_path, content))


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(TextError, match=r"cannot read .*none.txt: No such file"):
        read(tmp_path / "none.txt")
    with pytest.raises(TextError, match="cannot read"):
        read(tmp_path)


def test_fixed_vocabulary(tmp_path):
    path = written(tmp_path, "abcabcabc" * 10)
    assert read(path, characters="abcd").characters == "abcd"
    with pytest.raises(TextError, match="'c' is not among the 2 characters of the model"):
        read(path, characters="ab")
    with pytest.raises(ValueError, match="'z' is not among"):
        encode("abz", "abc")


@pytest.mark.parametrize(("count", "batch", "window"), [(101, 4, 7), (11, 10, 3), (50, 1, 100)])
def test_streams_visit_every_target_once(count, batch, window):
    ids = np.arange(count, dtype=np.int32)
    streams = Streams(ids, batch, window)
    windows = [streams.at(i) for i in range(len(streams))]
    seen = np.concatenate([w.target[w.weight > 0] for w in windows])
    assert sorted(seen.tolist()) == list(range(1, count))
    for w in windows:
        assert (w.target[w.weight > 0] == w.token[w.weight > 0] + 1).all()
    assert [w.fresh for w in windows] == [True] + [False] * (len(windows) - 1)
    assert streams.at(len(streams)).fresh


def test_streams_carry_on_from_window_to_window():
    streams = Streams(np.arange(101, dtype=np.int32), 4, 7)
    assert (streams.at(1).token[0] == streams.at(0).target[-1]).all()


def test_too_few_characters_for_the_streams():
    with pytest.raises(TextError, match=r"5 characters are too few for 8 .* a batch of 4"):
        Streams(np.arange(5, dtype=np.int32), 8, 4)
    with pytest.raises(ValueError, match="at least 1"):
        Streams(np.arange(5, dtype=np.int32), 0, 4)
