from typing import Any

import pytest

from engine.errors import ServerError, UsageError
from tests.idemtui.cli.conftest import OPEN, Idemtui
from tests.idemtui.cli.contract import ContractServer
from tests.store.journals import DEMO, chain_spec

RUNNING, QUEUED = (chain_spec(chain).run_id for chain in OPEN)
FINISHED = chain_spec(DEMO[0]).run_id
WHEN = "after the batch under way (M2, sample_train 64/200), in about 3 s"


def echo(answer: str, when: str | None = None) -> Any:
    return lambda fields: {"run_id": fields["run_id"], "answer": answer, "when": when}


def queued_again(fields: dict[str, Any]) -> dict[str, Any]:
    return {"runs": [{"run_id": fields.get("run_id", FINISHED), "answer": "continued"}]}


def test_pausing_says_when(there: Idemtui, agreed: ContractServer) -> None:
    agreed.answers["pause"] = echo("pausing", WHEN)
    assert there("pause", "sft-running").out == f"{RUNNING}  sft-running  pausing {WHEN}\n"
    told = there("pause", RUNNING[:8], "sft-queued", RUNNING, "--json").json
    assert [(one["run_id"], one["answer"], one["when"]) for one in told] == [
        (RUNNING, "pausing", WHEN),
        (QUEUED, "pausing", WHEN),
    ]


def test_cancelling_is_one_line_a_run(there: Idemtui, agreed: ContractServer) -> None:
    agreed.answers["cancel"] = echo("cancelled")
    assert there("cancel", "sft-queued").out == f"{QUEUED}  sft-queued  cancelled\n"
    assert agreed.asked == [("cancel", {"run_id": QUEUED})]


def test_an_unknown_run_among_several_leaves_the_others_alone(there: Idemtui, agreed: ContractServer) -> None:
    said = there("pause", "sft-running", "nonsense")
    assert said.code == 2
    assert agreed.asked == []


def test_one_refusal_does_not_keep_the_others(there: Idemtui, agreed: ContractServer) -> None:
    def picky(fields: dict[str, Any]) -> dict[str, Any]:
        if fields["run_id"] == FINISHED:
            raise UsageError("run did not fail")
        return queued_again(fields)

    agreed.answers["retry"] = picky
    said = there("retry", "sft-reset", "sft-failed")
    assert said.code == 2
    assert said.err == "idemtui: run did not fail\n"
    assert "sft-failed  continued" in said.out
    assert [one["answer"] for one in there("retry", "sft-reset", "sft-failed", "--json").json] == [None, "continued"]


@pytest.mark.parametrize("verb", ["resume", "retry"])
def test_all_runs_are_queued_again(there: Idemtui, agreed: ContractServer, verb: str) -> None:
    agreed.answers[verb] = queued_again
    assert there(verb, "--all").out == f"{FINISHED}  sft-reset  continued\n"
    assert agreed.asked[-1] == (verb, {"all": True, "secrets": {}})
    agreed.answers[verb] = {"runs": []}
    assert there(verb, "--all").out == f"Nothing to {verb}.\n"
    assert there(verb, "--all", "--json").json == []
    assert there(verb).code == 2
    assert there(verb, "--all", "sft-reset").code == 2


def test_a_priority_may_be_below_zero(there: Idemtui, agreed: ContractServer) -> None:
    agreed.answers["prioritize"] = echo("queued")
    assert there("priority", "sft-queued", "5").out == f"{QUEUED}  sft-queued  queued\n"
    assert there("priority", "sft-queued", "--json", "--", "-3").json["run_id"] == QUEUED
    assert [fields["priority"] for _, fields in agreed.asked] == [5, -3]


def test_what_the_server_cannot_do_is_one_line(there: Idemtui, agreed: ContractServer) -> None:
    agreed.answers["cancel"] = ServerError("the disk is full")
    said = there("cancel", "sft-running")
    assert (said.code, said.out, said.err) == (1, "", "idemtui: the disk is full\n")


@pytest.mark.parametrize("verb", ["resume", "retry"])
def test_secrets_travel_by_value_and_are_never_printed(
    there: Idemtui, agreed: ContractServer, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    agreed.answers[verb] = queued_again
    monkeypatch.setenv("HF_TOKEN", "hf_sEcReT")
    for words in (("sft-queued",), ("--all",), ("sft-queued", "--json")):
        said = there(verb, *words)
        assert said.code == 0
        assert agreed.asked[-1][1]["secrets"] == {"HF_TOKEN": "hf_sEcReT"}
        assert "hf_sEcReT" not in said.out + said.err
    assert said.err.startswith("idemtui: $OTHER_KEY: not set here, not held by the server")
    agreed.status["secrets"] = ["OTHER_KEY"]
    assert there(verb, "sft-queued").err == ""
    there(verb, "sft-reset")
    assert agreed.asked[-1][1]["secrets"] == {}
