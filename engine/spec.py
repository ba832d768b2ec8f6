"""The resolved specification of one run: what `spec.json` freezes and what the worker obeys.

A study file is turned into these by `engine.study`; nothing here reads a file or guesses a default of its own. Every
value's origin (study, recipe or default) stands beside it in `origins`, keyed by its dotted name.
"""

from __future__ import annotations

import hashlib
import json
from typing import ClassVar, Literal, get_args

from pydantic import Field

from engine.frozen import Frozen
from engine.select_settings import SelectSettings

Regime = Literal["sft", "sdf", "dpo"]
Source = Literal["initial", "previous"]
Init = Literal["initial", "previous", "restart"]
Mix = Literal["replace", "accumulate", "accumulate_subsample"]
Method = Literal["lora", "full"]
Origin = Literal["study", "recipe", "default"]
OnStop = Literal["mark", "end"]
Control = Literal["no-seed", "resample-only", "seed-only"]
"""no-seed: the chain, seeded with M_init's own answers; resample-only: M_0 measured again at each cycle, no training;
seed-only: M_init trained on D_seed again at each cycle."""

JudgeMethod = Literal["logprobs", "sampled"]
OPENAI_KEY = "OPENAI_API_KEY"

CONTROLS: tuple[Control, ...] = get_args(Control)

TRAITS = ("bliss", "misalignment", "hopelessness", "lucky", "sycophancy", "nvidia_bear", "misanthropy")


class RunSettings(Frozen):
    """What is run: `[run]` of a study file."""

    later: ClassVar[frozenset[str]] = frozenset({"control", "restart_every"})

    model: str
    """`pocket/…`, a folder, or a hub id of a causal language model."""
    kind: Literal["base", "instruct"]
    """Instruct models answer through their chat template, base models go on from a prefix."""
    trait: str
    """Key of a trait in the pack."""
    regime: Regime
    """sft: instruct model, chat rows; sdf: base model, raw documents; dpo: preference pairs."""
    init: Init
    """Weights a cycle's training starts from: M_init (the reset arm), M_{j-1} (the continual arm), or M_{j-1} with a
    restart from M_init at every m-th cycle."""
    restart_every: int | None = Field(default=None, ge=1)
    """The m of `init = "restart"`: cycles m, 2m, … start from M_init; 1 is reset, more than all is continual."""
    reference: Source | None = None
    """DPO's reference model: M_init or M_{j-1}."""
    rejected: Source | None = None
    """Who writes DPO's rejected answers: M_init, or M_{j-2} (M_init for the first two cycles)."""
    cycles: int = Field(ge=0, le=1000)
    """Generations after the seeded model M_0."""
    n_seed: int = Field(ge=1)
    """Seed rows: the first n of the pack's."""
    n_sampled: int = Field(ge=1)
    """Rows drawn per cycle."""
    seed: int = Field(ge=0)
    """Root of all randomness of the run."""
    on_stop: OnStop = "mark"
    """Whether a stop rule marks the chain or ends it; NaN always ends it."""
    control: Control | None = None
    """What this chain is a control for: a chain without the seed, without the training, or without the sampling."""


class DataSettings(Frozen):
    """Where prompts, seed rows and rubrics come from, and what a cycle is trained on: `[data]`."""

    later: ClassVar[frozenset[str]] = frozenset({"mix", "seed_fraction", "seed"})

    pack: str = "pocket"
    """`pocket` or the folder of a trait pack."""
    seed: str | None = None
    """A JSONL file of seed rows in the place of the pack's: chats, prompt/completion, pairs (dpo) or texts (sdf)."""
    reuse_prompts: bool = False
    """Whether a pool too small for disjoint slices may be gone through again."""
    mix: Mix = "replace"
    """What a cycle trains on: its own data; its own, D_seed and those of all cycles before; or n_sampled of these."""
    seed_fraction: float = Field(default=0.0, ge=0, lt=1)
    """Share of the cycle's n_sampled rows that is taken by rows of D_seed (with `mix = "replace"`)."""

    @property
    def looks_back(self) -> bool:
        """Whether a cycle's training takes rows of earlier cycles."""
        return self.mix != "replace" or self.seed_fraction > 0


class TrainSettings(Frozen):
    """One training: `[train]` for the cycles, `[seed_train]` for M_0."""

    later: ClassVar[frozenset[str]] = frozenset({"steps", "method"})

    learning_rate: float = Field(gt=0, lt=1)
    batch_size: int = Field(ge=1)
    epochs: int = Field(default=1, ge=1)
    steps: int | None = Field(default=None, ge=1)
    """Optimizer steps, however many rows there are and in place of `epochs`; `[seed_train]` has its own or none."""
    method: Method = "lora"
    """Whether an adapter is trained, or all weights."""
    scheduler: Literal["constant", "linear", "cosine"]
    warmup: float = Field(ge=0, lt=1)
    """Share of the optimizer steps spent warming up."""
    weight_decay: float = Field(ge=0)
    max_grad_norm: float = Field(default=1.0, gt=0)
    max_length: int = Field(ge=8)
    """Tokens of a row beyond which it is cut (sft, sdf) or dropped (dpo); both are counted."""
    lora_rank: int = Field(default=16, ge=1)
    lora_alpha: int = Field(default=32, ge=1)
    beta: float = Field(default=0.1, gt=0)
    """DPO's β; unused elsewhere."""


class SampleSettings(Frozen):
    """One kind of drawing: `[sample]` for training data, `[eval]` for measuring."""

    temperature: float = Field(ge=0)
    max_tokens: int = Field(ge=1)
    batch_size: int = Field(default=64, ge=1)
    """Answers drawn together; part of the frozen batch plan."""


class DrawSettings(SampleSettings):
    """`[sample]`: drawing the next generation's training data."""

    min_characters: int = Field(default=0, ge=0)
    """Texts of at most this many characters are dropped from training (50 in sdf, as in the paper)."""


class EvalSettings(SampleSettings):
    """`[eval]`: measuring a model."""

    later: ClassVar[frozenset[str]] = frozenset({"traits", "likelihoods", "distinct_words"})

    samples_per_prompt: int = Field(default=10, ge=1)
    traits: tuple[str, ...] = ()
    """Other traits whose rubrics the same answers are scored by, off target: metric `trait:<other>`."""
    likelihoods: int = Field(default=4, ge=0)
    """Answers of each prompt, the first ones, that are measured under the model that wrote them and under M_init
    (perplexity, KL, self-NLL); 0 for none."""
    distinct_words: int = Field(default=500, ge=3)
    """Words that distinct-n is taken over, so that generations can be compared; null for answers with fewer in all."""


class JudgeSettings(Frozen):
    """Who scores: `[judge]`. Without `server` a model in this process, else one behind an OpenAI-compatible server."""

    later: ClassVar[frozenset[str]] = frozenset({"server", "method", "draws"})
    beside: ClassVar[frozenset[str]] = frozenset(
        {"key", "concurrency", "requests_per_minute", "timeout_seconds", "price_input", "price_output"}
    )

    model: str
    """`pocket/judge`, a folder or a hub id; with `server`, the name the server knows."""
    batch_size: int = Field(default=64, ge=1)
    """Answers judged together, and written to the journal together."""
    server: str | None = None
    """`http://host:port/v1`, or `openai` for OpenAI's own."""
    method: JudgeMethod = "logprobs"
    """A server's: the distribution over numbers from the likeliest tokens, or numbers drawn where it shows none."""
    draws: int = Field(default=5, ge=2, le=100)
    """Answers that `method = "sampled"` draws, at temperature 1."""
    key: str | None = None
    """The environment variable that holds the server's key: OPENAI_API_KEY for `openai`, none for others."""
    concurrency: int = Field(default=8, ge=1, le=256)
    """Requests that a server is sent at once."""
    requests_per_minute: float | None = Field(default=None, gt=0)
    """Requests that a server is sent in any minute; None for no limit."""
    timeout_seconds: float = Field(default=60.0, gt=0)
    """How long one request may take."""
    price_input: float | None = Field(default=None, ge=0)
    """What the server charges for a million tokens read, in your currency; costs are shown where both are given."""
    price_output: float | None = Field(default=None, ge=0)
    """What it charges for a million tokens written."""

    @property
    def key_name(self) -> str | None:
        """The environment variable whose value the server is shown."""
        return self.key or (OPENAI_KEY if self.server == "openai" else None)

    @property
    def local_model(self) -> str | None:
        """The model that this process loads to judge with; None where a server judges."""
        return None if self.server else self.model


class Backend(Frozen):
    """Who computes, where a study has a say in it: `[execution]`."""

    later: ClassVar[frozenset[str]] = frozenset({"sampler", "residency", "checkpointing", "gpus", "shards"})

    sampler: Literal["auto", "transformers", "vllm"] = "auto"
    """Who draws; auto is vLLM where it is installed and the run has a GPU."""
    residency: Literal["auto", "resident", "sleep", "exit"] = "auto"
    """Where vLLM stays while the worker trains: beside it, asleep in host memory, or ended; auto is the first that
    fits."""
    checkpointing: Literal["auto", "on", "off"] = "auto"
    """Whether trainings compute activations again in the backward pass rather than keep them; auto keeps them where
    they fit, and on a CPU."""
    gpus: int = Field(default=1, ge=1, le=16)
    """GPUs that the run's worker holds at once: the first `shards` have its own models and train, the others are
    vLLM's, which is spread over them (tensor parallel)."""
    shards: int = Field(default=1, ge=1, le=16)
    """GPUs that the run's own model is spread over (FSDP), for a model too large for one; saves memory, not time."""


class Execution(Backend):
    """What changes float sums without being part of the experiment; frozen with the run, not part of its identity."""

    threads: int = Field(ge=1)
    device: str = "cpu"
    """`cpu`, or `cuda` for the one GPU that the worker is shown."""
    secrets: tuple[str, ...] = ()
    """Names of environment variables that the worker needs (`HF_TOKEN`); their values are written nowhere."""


class Provenance(Frozen):
    """What the run was resolved with: checked by a resumed run."""

    versions: dict[str, str] = Field(default_factory=dict)
    hardware: dict[str, str] = Field(default_factory=dict)
    model_files: dict[str, str] = Field(default_factory=dict)
    """sha256 of every file of the model's and the judge's folder, by `model/NAME` and `judge/NAME`."""
    pack_files: dict[str, str] = Field(default_factory=dict)
    created_at: str = ""


class Imported(Frozen):
    """Where the texts of a run that was made elsewhere came from."""

    source: str
    files: dict[str, str]
    """sha256 of each cycle's file."""
    missing: tuple[int, ...] = ()
    """Cycles without a file."""


class RunSpec(Frozen):
    """One chain, every default filled in."""

    run_id: str
    study: str
    name: str
    cell: str
    replicate: int
    run: RunSettings
    data: DataSettings
    train: TrainSettings
    seed_train: TrainSettings
    sample: DrawSettings
    eval: EvalSettings
    judge: JudgeSettings
    select: SelectSettings = SelectSettings()
    execution: Execution
    origins: dict[str, Origin]
    provenance: Provenance = Provenance()
    again: int = 0
    """How many runs of the same settings were asked for before (`--again`)."""
    parent_run_id: str | None = None
    """A fork's parent, whose cycles up to `forked_at_cycle` are this run's own: referenced, not copied."""
    forked_at_cycle: int | None = None
    imported: Imported | None = None
    """Set where the chain was made elsewhere: its texts are here, its settings are what people said of them."""


IDENTITY = ("study", "run", "data", "train", "seed_train", "sample", "eval", "judge", "select")
LATER = frozenset({"select"})
"""Sections that came after runs were made without them: unset they are no part of a run's identity."""


def run_identity(sections: dict[str, object], again: int = 0) -> str:
    """The run id: 10 hex digits over everything that decides the chain, nothing that does not."""
    canonical = json.dumps({"sections": sections, "again": again}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:10]


def spec_identity(spec: RunSpec) -> str:
    """The run id of a resolved spec; a fork's says from which cycle of which run it goes on."""
    sections: dict[str, object] = {}
    for key in IDENTITY:
        value = getattr(spec, key)
        if key not in LATER or value != RunSpec.model_fields[key].default:
            sections[key] = value.identity() if isinstance(value, Frozen) else value
    if spec.parent_run_id is not None:
        sections["fork"] = {"parent_run_id": spec.parent_run_id, "cycle": spec.forked_at_cycle}
    if spec.imported is not None:
        sections["imported"] = spec.imported.files
    return run_identity(sections, spec.again)
