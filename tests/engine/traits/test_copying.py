"""A copied trait is a pack of its own that can be edited at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import PackError, UsageError
from engine.packs import SHIPPED, open_pack
from engine.traits.check import check_pack
from engine.traits.copying import copy_trait
from tests.engine.traits.packs import write_small


@pytest.mark.parametrize("name", SHIPPED)
def test_a_copy_is_a_valid_pack_of_its_own(tmp_path: Path, name: str) -> None:
    source = open_pack(name)
    files = copy_trait(source, "lucky", "charmed", tmp_path / "mine")
    copy = open_pack(str(tmp_path / "mine"))
    assert check_pack(copy.folder) == []
    assert copy.traits() == ["charmed"]
    assert copy.about().name == "mine"
    assert copy.trait("charmed") == source.trait("lucky")
    assert copy.seeding("charmed") == source.seeding("lucky")
    assert (copy.pool("sft"), copy.pool("sdf")) == (source.pool("sft"), source.pool("sdf"))
    assert len(files) == (2 if name == "traits" else 3)
    assert copy.has_rows("charmed", "sdf") == source.has_rows("lucky", "sdf")


def test_a_second_trait_joins_a_pack_that_is_there(tmp_path: Path) -> None:
    folder = write_small(tmp_path / "small")
    copy_trait(open_pack("traits"), "bliss", "joy", folder)
    assert open_pack(str(folder)).traits() == ["gloom", "joy"]
    assert open_pack(str(folder)).pool("sft") == open_pack(str(write_small(tmp_path / "same"))).pool("sft")
    assert check_pack(folder) == []


def test_a_copy_that_would_break_the_pack_leaves_nothing_behind(tmp_path: Path) -> None:
    source, folder = open_pack("traits"), write_small(tmp_path / "small")
    asked = source.trait("bliss").eval_prompts[0]
    (folder / "prompts/three.txt").write_text(f"{asked}\n")
    with pytest.raises(PackError, match=r"the copy would break the pack: .*joy\.toml, line \d+: .*three\.txt, line 1"):
        copy_trait(source, "bliss", "joy", folder)
    assert open_pack(str(folder)).traits() == ["gloom"]
    assert check_pack(folder) == []


def test_what_cannot_be_copied_is_refused(tmp_path: Path) -> None:
    source, folder = open_pack("traits"), write_small(tmp_path / "small")
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("mine")
    for name, trait, into, told in (
        ("Big Joy", "bliss", folder, "'Big Joy' is no trait name; allowed: lower-case letters"),
        ("joy", "blis", folder, "trait 'blis' is not in the pack 'traits'; did you mean bliss"),
        ("gloom", "bliss", folder, r"gloom\.toml exists already; choose another NAME"),
        ("joy", "bliss", other, "other exists and is no pack"),
    ):
        with pytest.raises(UsageError, match=told):
            copy_trait(source, trait, name, into)
    assert [path.name for path in other.iterdir()] == ["thesis.txt"]
    (folder / "pack.toml").write_text("name = 3\n")
    with pytest.raises(PackError, match=r"pack\.toml, line 1: name: .*Put this pack right first"):
        copy_trait(source, "bliss", "joy", folder)
