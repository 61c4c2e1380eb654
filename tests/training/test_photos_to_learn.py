"""Photos to learn: their groups, and files that are given twice."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from whereshot.models.learned_photos import LearnedPhotos, PhotoDigests
from whereshot.training.photos_to_learn import PhotosToLearn, find_copies, groups_of, merged


def test_photos_taken_in_one_go_are_held_out_together() -> None:
    import datetime

    noon = datetime.datetime(2024, 5, 1, 12)
    taken = [noon, noon + datetime.timedelta(minutes=50), None, noon + datetime.timedelta(hours=5)]
    table = pa.table({"id": list("abcd"), "taken_at": pa.array(taken, pa.timestamp("us"))})
    assert groups_of(table) == ["session:1", "session:1", "id:c", "session:2"]
    named = table.append_column("group", pa.array(["x", None, "x", "y"]))
    assert groups_of(named) == ["group:x", "id:b", "group:x", "group:y"]


def photos(ids: str, files: list[int], salt: bytes = b"s" * 32) -> PhotosToLearn:
    """Photos named by one letter each, whose files have these digests and whose only feature is the number."""
    digests = np.repeat(np.array(files, np.uint8)[:, None], 16, axis=1)
    table = pa.table({"id": list(ids), "latitude": [float(ord(letter)) for letter in ids]})
    learned = LearnedPhotos.of_digests(PhotoDigests(digests, digests), salt)
    return PhotosToLearn(table, np.array(files, np.float16)[:, None], learned)


def test_of_the_same_file_the_last_one_stays() -> None:
    assert find_copies(photos("abcd", [7, 8, 7, 7]).learned.files) == ([0, 2], [3, 3])
    assert find_copies(photos("ab", [7, 8]).learned.files) == ([], [])


def test_a_file_that_is_given_again_has_its_new_position() -> None:
    both = merged(photos("abc", [1, 2, 3]), photos("xy", [2, 9]))
    assert both.table["id"].to_pylist() == ["a", "c", "x", "y"]
    assert both.pooled[:, 0].tolist() == [1, 3, 2, 9]
    assert len(both.learned) == 4 and not find_copies(both.learned.files)[0]
