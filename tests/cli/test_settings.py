"""A typo in the configuration must not silently leave a door open."""

from pathlib import Path

import pytest

from beffroi.cli.oidc import oidc_of
from beffroi.cli.settings import SettingsError, load


def write(home: Path, text: str) -> Path:
    (home / "config.toml").write_text(text)
    return home


def test_the_defaults_open_nothing_beyond_loopback(tmp_path: Path) -> None:
    settings = load(tmp_path / "new")
    assert settings.web.host == settings.mqtt.host == "127.0.0.1"
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


def test_values_are_read(tmp_path: Path) -> None:
    text = '[mqtt]\nport = 1\nnames = ["a", "b"]\n[database]\nurl = "x"\n'
    settings = load(write(tmp_path, text))
    assert settings.mqtt.port == 1
    assert settings.mqtt.names == ("a", "b")
    assert settings.store_url == "x"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[wbe]\n", "unknown section"),
        ("[web]\nprot = 1\n", "prot"),
        ('[web]\nport = "80"\n', "web.port"),
        ("[web]\nport = true\n", "web.port"),
        ("[mqtt]\nnames = [1]\n", "mqtt.names"),
        ("web = 1\n", "must be a table"),
        ("[[", "not TOML"),
        ('[web]\nhost = "0.0.0.0"\n', "web.tls_cert"),
        ('[nats]\nown_binary = "/bin/x"\n', "own_sha256"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        load(write(tmp_path, text))


def test_groups_of_an_identity_service_name_bodies(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush\n")
    (tmp_path / "config.toml").write_text(
        '[oidc]\nissuer = "https://id.example"\nclient_id = "beffroi"\n'
        f'client_secret_file = "{tmp_path / "secret"}"\nreaders = ["elus"]\n'
        '[oidc.bodies]\neaux = " Syndicat  des eaux "\n'
    )
    made = oidc_of(load(tmp_path))
    assert made is not None
    assert made.settings.bodies == {"eaux": "Syndicat des eaux"}
