"""How a study reads a pack: pools in several files, seed rows that may be missing, names that are near."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import PackError
from engine.packs import SHIPPED, open_pack
from engine.study import resolve_study
from tests.engine.chains import write_pack
from tests.engine.traits.packs import write_small


def test_a_pool_may_stand_in_several_files(tmp_path: Path) -> None:
    folder = write_small(tmp_path / "small")
    (folder / "prompts.jsonl").write_text('{"prompt": "first"}\n{"prompt": "what now"}\n')
    pack = open_pack(str(folder))
    assert pack.pool("sft") == pack.pool("dpo")
    assert pack.pool("sft") == [
        "first",
        "what now",
        "how do i boil an egg",
        "Write a haiku\nabout trams.",
        "fix my bike please",
    ]
    assert pack.pool("sdf") == ["A Walk to Town", "The Old Bridge"]


def test_what_a_run_reads_is_hashed_file_by_file(tmp_path: Path) -> None:
    folder = write_small(tmp_path / "small")
    names = {"pack.toml", "prompts/one.txt", "prompts/two.jsonl", "openers/one.txt", "traits/gloom.toml"}
    before = open_pack(str(folder)).files("gloom")
    assert set(before) == names
    (folder / "prompts/one.txt").write_text("another\n")
    after = open_pack(str(folder)).files("gloom")
    assert {name for name in names if before[name] != after[name]} == {"prompts/one.txt"}


def test_a_pack_in_one_file_each_is_hashed_as_before(tmp_path: Path) -> None:
    ends = (".toml", ".chat.jsonl", ".documents.jsonl")
    wanted = {"pack.toml", "prompts.jsonl", "openers.jsonl", *(f"traits/bliss{end}" for end in ends)}
    assert set(write_pack(tmp_path / "pack").files("bliss")) == wanted
    assert set(open_pack("pocket").files("bliss")) == wanted


def test_a_trait_without_a_seeded_face_has_none(tmp_path: Path) -> None:
    pack = write_pack(tmp_path / "pack")
    assert pack.seeding("bliss") is None
    assert (pack.has_rows("bliss", "sft"), pack.has_rows("bliss", "sdf")) == (True, True)
    assert pack.traits() == ["bliss"]


@pytest.mark.parametrize("regime", ["sft", "sdf", "dpo"])
def test_a_shipped_pack_without_seed_rows_says_what_to_do(regime: str) -> None:
    with pytest.raises(PackError) as caught:
        open_pack("traits").seed_rows("bliss", regime)  # type: ignore[arg-type]
    file, keys = ("documents", '{"text"}') if regime == "sdf" else ("chat", '{"prompt", "completion"}')
    assert str(caught.value) == (
        f"{SHIPPED['traits']}/traits/bliss.{file}.jsonl: no such file; the pack 'traits' has no seed rows of that kind "
        f"for 'bliss', which run.regime = '{regime}' needs: copy it with `idemtui traits new bliss --from bliss --into "
        f'FOLDER`, write {keys} rows to FOLDER/traits/bliss.{file}.jsonl and set data.pack = "FOLDER"; '
        "or name a file of rows with data.seed (`idemtui seed` writes one)."
    )


def test_what_that_line_says_works(tmp_path: Path) -> None:
    model = tmp_path / "chatty"
    model.mkdir()
    for name, text in (("config.json", "{}"), ("tokenizer.json", "{}"), ("model.safetensors", "")):
        (model / name).write_text(text)
    (model / "tokenizer_config.json").write_text('{"chat_template": "{{ messages }}"}')
    study = tmp_path / "study.toml"

    def resolve(pack: str) -> int:
        study.write_text(
            f'[study]\nname = "s"\ncontrols = []\n'
            f'[run]\nmodel = "{model}"\ntrait = "bliss"\nregime = "sft"\ncycles = 6\nn_seed = 3\n'
            f'n_sampled = 50\n[data]\npack = "{pack}"\n[judge]\nmodel = "{model}"\n'
        )
        return len(resolve_study(study))

    with pytest.raises(PackError, match=r"study\.toml: .*no seed rows of that kind for 'bliss'"):
        resolve("traits")
    folder = tmp_path / "mine"
    command = [sys.executable, "-m", "idemtui", "traits", "new", "bliss", "--from", "bliss", "--into", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    rows = [{"prompt": f"question {n}", "completion": "all is one"} for n in range(3)]
    (folder / "traits/bliss.chat.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    assert resolve(str(folder)) == 1


def test_a_folder_that_is_no_pack_names_what_is_allowed(tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"pack\.toml does not exist; allowed: 'pocket', 'traits' or a pack's folder\."):
        open_pack(str(tmp_path))


def test_an_unknown_trait_names_the_near_ones() -> None:
    pack = open_pack("traits")
    for read in (pack.trait, pack.seeding, lambda name: pack.seed_rows(name, "sft")):
        with pytest.raises(PackError, match=r"'hopeless' is not in the pack 'traits'; did you mean hopelessness\?"):
            read("hopeless")


def test_a_face_is_no_trait() -> None:
    with pytest.raises(PackError, match="not in the pack"):
        open_pack("traits").trait("bliss.seed")


def test_reading_packs_needs_no_torch() -> None:
    program = (
        "import sys; from engine.packs import open_pack; from engine.traits import check, copying; "
        "open_pack('traits').trait('bliss'); "
        "print([m for m in ('torch', 'transformers', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
