"""Settings: where they come from, what is refused, and the one secret that is not a setting."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from pydantic import ValidationError

from ops.config import TOKEN_KEY_BYTES, Settings, TokenKeyError, token_key


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests start from the defaults, whatever the environment holds."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"WEIR_{name.upper()}", raising=False)


def test_defaults_are_safe() -> None:
    """Without any setting Weir is embedded, keeps to ./data and listens on loopback only."""
    settings = Settings()
    assert (settings.brokers, settings.data, settings.host) == ("", Path("data"), "127.0.0.1")
    assert (settings.rate_linger_seconds, settings.accrue_cadence_seconds) == (0.1, 0.3)
    assert settings.metrics_host == "127.0.0.1"


def test_the_environment_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each setting is WEIR_ and its name; an empty one counts as not set."""
    monkeypatch.setenv("WEIR_BROKERS", "one:9092,two:9092")
    monkeypatch.setenv("WEIR_PORT", "9000")
    monkeypatch.setenv("WEIR_LOG_LEVEL", "")
    settings = Settings()
    assert (settings.brokers, settings.port, settings.log_level) == (
        "one:9092,two:9092",
        9000,
        "info",
    )


def test_the_command_line_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is given in the call wins over the environment."""
    monkeypatch.setenv("WEIR_PORT", "9000")
    assert Settings(port=9001).port == 9001


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("brokers", "localhost"),
        ("brokers", "localhost:"),
        ("brokers", ":9092"),
        ("brokers", "one:9092,"),
        ("port", "65536"),
        ("usage_partitions", "0"),
        ("rate_linger_seconds", "-1"),
        ("rate_linger_seconds", "nan"),
        ("log_level", "loud"),
        ("compression", "brotli"),
    ],
)
def test_nonsense_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """A setting that cannot be meant stops the process before it starts."""
    monkeypatch.setenv(f"WEIR_{name.upper()}", value)
    with pytest.raises(ValidationError, match=name):
        Settings()


def test_every_setting_says_what_it_is() -> None:
    """Nobody has to read code to know what a setting does."""
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name


def test_settings_can_be_printed() -> None:
    """The list of settings is text, without what is not set."""
    printed = Settings(brokers="one:9092").describe()
    assert printed["brokers"] == "one:9092"
    assert printed["port"] == "8080"
    assert "reference" not in printed


def test_the_key_lies_with_the_data(tmp_path: Path) -> None:
    """Unless another file is named, the key of tokens is in the data directory."""
    assert Settings(data=tmp_path).token_key_path == tmp_path / "token.key"
    named = tmp_path / "else.key"
    assert Settings(data=tmp_path, token_key_file=named).token_key_path == named


def test_a_missing_key_is_made_for_its_owner_only(tmp_path: Path) -> None:
    """The first use makes a random key that nobody else can read; later ones find it."""
    path = tmp_path / "new" / "token.key"
    key = token_key(path)
    assert len(key) == TOKEN_KEY_BYTES
    assert path.stat().st_mode & 0o777 == 0o600
    assert token_key(path) == key
    assert [p.name for p in path.parent.iterdir()] == ["token.key"]
    assert token_key(tmp_path / "other.key") != key


def test_processes_that_start_together_agree_on_the_key(tmp_path: Path) -> None:
    """Of many that find no key one makes it, and all use that one."""
    path = tmp_path / "token.key"
    start = threading.Barrier(8)
    found: list[bytes] = []

    def run() -> None:
        start.wait()
        found.append(token_key(path))

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [path.read_bytes()] * 8


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """A key is a secret or no key; the message says what to do."""
    path = tmp_path / "token.key"
    token_key(path)
    path.chmod(0o640)
    with pytest.raises(TokenKeyError, match="chmod 600"):
        token_key(path)


def test_a_broken_key_is_refused(tmp_path: Path) -> None:
    """A file that was cut is not used and not replaced silently: tokens would change."""
    path = tmp_path / "token.key"
    path.touch(mode=0o600)
    with pytest.raises(TokenKeyError, match="0 bytes"):
        token_key(path)
