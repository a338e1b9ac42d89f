"""A failure to be found: what is shown, what is not, and how one comes back."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from jitplab import cli
from jitplab.blind import VIEWS, any_failure, by_token, token
from jitplab.scenario import ScenarioError, catalogue

TREE = Path(__file__).resolve().parents[2]
LESSON = TREE / "docs" / "tutorial" / "find-the-fault.md"
FIXED = ("--seed", "1", "--library", "own")
COMMANDS = sorted(set(re.findall(r"^jitplab (run .+)$", LESSON.read_text(encoding="utf-8"), re.MULTILINE)))


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.main(["run", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_bench_shows_the_return_code_and_an_empty_cloud(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "wrong-slot-root-key", "--blind", *FIXED)

    assert code == 0
    assert "mbedtls_ssl_read returned -0x7880 (MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)" in out
    assert re.search(r"list-certificates\n\s+\[\]", out)
    assert re.search(r"AWSIotLogsV2\n\s+nothing", out)


@pytest.mark.parametrize("name", ["wrong-slot-root-key", "no-policy-at-all", "ca-is-inactive"])
def test_a_blind_run_by_token_gives_nothing_away(capsys: pytest.CaptureFixture[str], name: str) -> None:
    _, out, _ = run(capsys, "--case", token(name), "--blind", *FIXED)
    chosen = catalogue()[name]

    assert name not in out
    assert chosen.title not in out
    assert "foretold" not in out
    assert chosen.stopped_by is not None
    assert chosen.stopped_by.name not in out


def test_hints_open_one_view_after_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    def views(*options: str) -> list[str]:
        _, out, _ = run(capsys, "wrong-slot-root-key", *options, *FIXED)
        return re.findall(r"^Hint \d of \d: (.+)$", out, re.MULTILINE)

    names = [name for name, _ in VIEWS]

    assert views("--blind") == []
    assert views("--hint") == names[:1]
    assert views("--hint", "--hint") == names[:2]
    assert views("--hint", "3") == names[:3]
    assert views("--hint", "5", "--hint") == names


def test_the_views_lead_to_the_wrong_slot(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "wrong-slot-root-key", "--hint", "5", *FIXED)
    parts = dict(
        zip((name for name, _ in VIEWS), re.split(r"^Hint .*$", out, flags=re.MULTILINE)[1:], strict=True)
    )
    certificates = parts["the certificates, as presented and as issued"]
    device, signer = certificates.split("signer certificate, as presented")
    signer_identifiers = re.findall(r"authorityKeyIdentifier +([0-9a-f]+)", signer)
    device_identifiers = re.findall(r"authorityKeyIdentifier +([0-9a-f]+)", device)

    assert "10 53 00 04" in parts["the connection, packet by packet"]
    assert len(set(signer_identifiers)) == 2
    assert len(set(device_identifiers)) == 1
    assert "slot 13" in parts["what the chip was asked"]
    assert len(re.findall(r"^  slot ", parts["the chip's slots"], re.MULTILINE)) == 16
    assert "stopped by rule presented_ca_is_registered" in parts["the broker's trace"]


def test_the_reveal_tells_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "--case", token("ca-is-inactive"), "--reveal", *FIXED)

    assert "It was:\nca-is-inactive" in out
    assert "Cure. " in out
    assert "ca-is-inactive: as foretold" in out
    assert "--reveal" not in out


def test_any_draws_a_failure_and_says_how_to_come_back(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--any", "--blind", "--seed", "12", "--library", "own")
    (again,) = re.findall(r"what it was: +jitplab (run --case .+ --reveal)$", out, re.MULTILINE)
    revealed = cli.main([*shlex.split(again), "--library", "own"])

    assert code == revealed == 0
    assert any_failure(catalogue(), "12").name in capsys.readouterr().out


def test_without_a_seed_any_draws_one_and_tells_it(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "--any", "--blind", "--library", "own")

    assert re.search(r"--case [0-9a-f]{6} --seed \d{6} --blind --hint 1", out)


def test_every_seed_draws_a_failure_and_many_draw_many() -> None:
    known = catalogue()
    drawn = {any_failure(known, str(seed)).name for seed in range(200)}

    assert all(known[name].stopped_by is not None for name in drawn)
    assert len(drawn) > 30


def test_every_token_stands_for_one_scenario() -> None:
    known = catalogue()

    assert all(by_token(known, token(name)) is each for name, each in known.items())
    with pytest.raises(ScenarioError, match="no scenario has the token 'abc'"):
        by_token(known, "abc")


def test_what_the_account_refused_is_the_command_lines_answer(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "ca-does-not-say-ca-true", "--blind", *FIXED)

    assert "An error occurred (CertificateValidationException): " in out


def test_what_the_chip_refused_is_in_the_firmwares_log(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "wrong-slot-root-key", "--slot", "9", "--blind", *FIXED)

    assert re.search(r"\[ERROR\] .* returned -12 ", out)
    assert "--set slot=9 --blind --hint 1" in out


@pytest.mark.parametrize(
    "arguments",
    [
        ("--blind",),
        ("right-slot", "handshake-only", "--blind"),
        ("right-slot", "--any"),
        ("--all", "--blind"),
        ("right-slot", "--blind", "--json"),
        ("right-slot", "--hint", "6"),
        ("--hint", "right-slot"),
    ],
)
def test_misuse_exits_2(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["run", *arguments])

    assert caught.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_an_unknown_token_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "--case", "zzz", "--blind")

    assert (code, out) == (2, "")
    assert "no scenario has the token 'zzz'" in err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_lesson_runs(capsys: pytest.CaptureFixture[str], command: str) -> None:
    code = cli.main([*shlex.split(command), "--library", "own"])

    assert code == 0
    assert "--blind" in command or re.search(r"^(Hint|It was)", capsys.readouterr().out, re.MULTILINE)


def test_the_lesson_is_about_what_it_says() -> None:
    text = LESSON.read_text(encoding="utf-8")
    order = list(dict.fromkeys(re.findall(r"--case (\w+)", text)))

    assert [by_token(catalogue(), each).name for each in order] == [
        "ca-is-inactive",
        "client-does-not-come-back",
        "publish-is-not-allowed",
        "wrong-slot-root-key",
    ]
