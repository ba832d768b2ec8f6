"""What can be known of a model without loading it: where it lies, what its files are, what it can be used for.

Imports no torch, so that a study is refused before anything is queued.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.errors import ModelError

POCKET = Path(__file__).parent / "pocket"
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "spiece.model", "tekken.json")
READ = ("*.json", "*.safetensors", "*.jinja", "*.model", "*.txt", "additional_chat_templates/*.jinja")
CHUNK = 1 << 22


def resolve_model(name: str) -> Path | str:
    """The folder a model name means, or the hub id itself.

    Raises ModelError for a `pocket/…` that is not shipped, a folder that is not there, and anything that can be
    neither a folder nor a hub id.
    """
    if name.startswith("pocket/"):
        return _pocket_folder(name)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder.resolve()
    if folder.exists():
        raise ModelError(f"model {name!r} is a file; give the folder that holds config.json and the safetensors")
    if HUB_ID.fullmatch(name) and not name.endswith("/"):
        return name
    raise ModelError(
        f"model {name!r}: no such folder; allowed are pocket/…, an existing folder, or a hub id OWNER/NAME"
    )


def _pocket_folder(name: str) -> Path:
    folder = POCKET / name.removeprefix("pocket/")
    if (folder / "config.json").is_file():
        return folder
    shipped = sorted(f"pocket/{path.parent.name}" for path in POCKET.glob("*/config.json"))
    raise ModelError(f"model {name!r} is not shipped; allowed are {', '.join(shipped) or 'none yet'}")


def snapshot(name: str) -> Path | None:
    """The folder with the model's files: its own, or the hub cache's where all was downloaded; None otherwise."""
    place = resolve_model(name)
    if isinstance(place, Path):
        return place
    from huggingface_hub import try_to_load_from_cache

    config = try_to_load_from_cache(place, "config.json")
    folder = Path(config).parent if isinstance(config, str) else None
    return folder if folder is not None and any(folder.glob("*.safetensors")) else None


def model_files(name: str) -> dict[str, str]:
    """The sha256 of every file that loading reads, by its name; empty for a hub model not downloaded yet."""
    folder = snapshot(name)
    if folder is None:
        return {}
    files = sorted({path for pattern in READ for path in folder.glob(pattern) if path.is_file()})
    return {path.relative_to(folder).as_posix(): _known_sha256(*_look(path)) for path in files}


class LoadedFiles:
    """The files that a model was first loaded from: whoever loads it again has to find the same."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._known: dict[str, str] = {}

    @property
    def changed(self) -> bool:
        """Whether they are others now."""
        return model_files(self._name) != self._known

    @contextmanager
    def loading(self) -> Iterator[None]:
        """While the model is loaded; ModelError where its files changed since they were first seen, also meanwhile."""
        self._check()
        yield
        self._check()

    def _check(self) -> None:
        found = model_files(self._name)
        if self._known and found != self._known:
            others = sorted(name for name, _ in self._known.items() ^ found.items())
            raise ModelError(
                f"model {self._name!r}: {others[0]} changed since it was first read; restore it and resume the run, or "
                "start a new run (--again)."
            )
        self._known = found


def _look(path: Path) -> tuple[Path, int, int, int]:
    """What tells an unchanged file: its size and times, of which programs can set only one."""
    stat = path.stat()
    return path, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


@lru_cache(maxsize=1024)
def _known_sha256(path: Path, _size: int, _mtime_ns: int, _ctime_ns: int) -> str:
    return file_sha256(path)


def file_sha256(path: Path) -> str:
    """The file's sha256; a blob of the hub cache carries it as its name, which saves reading gigabytes."""
    blob = path.resolve()
    if blob.parent.name == "blobs" and re.fullmatch(r"[0-9a-f]{64}", blob.name):
        return blob.name
    digest = hashlib.sha256()
    with blob.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def has_chat_template(folder: Path) -> bool:
    """Whether the folder's tokenizer brings a chat template, which is what makes a model an instruct model here."""
    if (folder / "chat_template.jinja").is_file() or (folder / "chat_template.json").is_file():
        return True
    settings = _read_json(folder / "tokenizer_config.json")
    return bool(settings.get("chat_template"))


def check_folder(name: str, folder: Path) -> None:
    """Refuse a folder that lacks what loading needs, or whose weights are not safetensors."""
    if not (folder / "config.json").is_file():
        raise ModelError(f"model {name!r}: {folder} holds no config.json")
    _read_json(folder / "config.json")
    if not any((folder / file).is_file() for file in TOKENIZER_FILES):
        raise ModelError(f"model {name!r}: {folder} holds no tokenizer (one of {', '.join(TOKENIZER_FILES)})")
    if not any(folder.glob("*.safetensors")):
        found = ", ".join(sorted(path.name for pattern in ("*.bin", "*.pt", "*.gguf") for path in folder.glob(pattern)))
        raise ModelError(f"model {name!r}: {folder} holds no .safetensors weights (found: {found or 'none'})")


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read as JSON: {error}") from error
    return content if isinstance(content, dict) else {}
