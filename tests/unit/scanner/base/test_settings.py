"""Settings: which source wins, and what a mistake in each of them says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scanner.base.machine import cores, usual_decoders
from scanner.base.settings import (
    HANDED_DOWN,
    Settings,
    SettingsError,
    load_settings,
    sourced_settings,
    unknown_variables,
)
from scanner.jobs.supervisor import as_environment


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def test_order_of_sources(config: Path) -> None:
    config.write_text('model = "from file"\ndevice = "from file"\nbatch_size = 3\n')
    environment = {"DFSCAN_MODEL": "from environment", "DFSCAN_DEVICE": "from environment"}

    settings = load_settings({"model": "from flag", "device": None}, environment, config)

    assert settings.model == "from flag"
    assert settings.device == "from environment"
    assert settings.batch_size == 3
    assert settings.max_attempts == Settings.max_attempts


def test_each_setting_names_its_source(config: Path) -> None:
    config.write_text("batch_size = 3\n")
    found = sourced_settings({"model": "lite"}, {"DFSCAN_DEVICE": "cpu"}, config)
    sources = {item.name: item.source for item in found}
    assert sources["model"] == "flag"
    assert sources["device"] == "environment DFSCAN_DEVICE"
    assert sources["batch_size"] == str(config)
    assert sources["decoders"] == "default"


def test_an_empty_variable_does_not_count(config: Path) -> None:
    assert load_settings({}, {"DFSCAN_MODEL": ""}, config).model == Settings.model


def test_without_a_file_the_defaults_hold(config: Path) -> None:
    settings = load_settings({}, {}, config)
    assert settings == Settings(settings.data_dir)
    assert settings.url == f"sqlite:///{settings.data_dir / 'dfscan.sqlite'}"


def test_an_unknown_key_in_the_file_is_named_with_the_known_ones(config: Path) -> None:
    config.write_text('modle = "lite"\n')
    with pytest.raises(SettingsError) as caught:
        load_settings({}, {}, config)
    assert str(config) in str(caught.value)
    assert "modle" in str(caught.value)
    assert "max_megapixels" in str(caught.value)


@pytest.mark.parametrize("content", [b"model = ", b"\xff\xfe", b"[[["])
def test_a_file_that_is_no_toml_is_named(config: Path, content: bytes) -> None:
    config.write_bytes(content)
    with pytest.raises(SettingsError, match=r"config\.toml cannot be read"):
        load_settings({}, {}, config)


@pytest.mark.parametrize("value", ["many", "1.5", "0", "-3", ""])
def test_a_bad_number_says_which_setting_of_which_source(config: Path, value: str) -> None:
    config.write_text(f'batch_size = "{value}"\n')
    with pytest.raises(SettingsError) as caught:
        load_settings({}, {}, config)
    assert "batch_size" in str(caught.value)
    assert str(config) in str(caught.value)
    if value:
        with pytest.raises(SettingsError, match="environment DFSCAN_BATCH_SIZE"):
            load_settings({}, {"DFSCAN_BATCH_SIZE": value}, config)
        with pytest.raises(SettingsError, match=r"\(flag\)"):
            load_settings({"batch_size": value}, {}, config)


@pytest.mark.parametrize(
    "line",
    [
        "settle_seconds = nan",
        "batch_size = 1.5",
        "batch_size = true",
        "data_dir = 5",
        "ignore = 5",
        "model = true",
        "model = []",
        "device = {a = 1}",
        "ignore = {a = 1}",
        "faces = 1.0",
        "batch_size = []",
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(config: Path, line: str) -> None:
    config.write_text(line)
    with pytest.raises(SettingsError, match=line.split()[0]):
        load_settings({}, {}, config)


def test_defaults_load_no_converter() -> None:
    """Reading commands start in no time where nothing is set."""
    program = (
        "import sys; from pathlib import Path; from scanner.base.settings import load_settings;"
        "load_settings({}, {}, Path('none')); print('cattrs' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_home_folder_that_does_not_exist_is_a_bad_value(config: Path) -> None:
    with pytest.raises(SettingsError, match="data_dir"):
        load_settings({"data_dir": "~nobody-of-this-name/data"}, {}, config)


def test_lists_come_from_toml_or_separated_by_commas(config: Path) -> None:
    config.write_text('ignore = ["*.tmp", " @eaDir "]\n')
    assert load_settings({}, {}, config).ignore == ("*.tmp", "@eaDir")
    assert load_settings({}, {"DFSCAN_IGNORE": "a*, b ,,c"}, config).ignore == ("a*", "b", "c")


def test_numbers_are_converted(config: Path) -> None:
    settings = load_settings({"batch_size": 4}, {"DFSCAN_SETTLE_SECONDS": "0.5", "DFSCAN_DECODERS": "3"}, config)
    assert (settings.batch_size, settings.settle_seconds, settings.decoders) == (4, 0.5, 3)


def test_the_data_folder_is_absolute(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert load_settings({"data_dir": Path("here")}, {}, config).data_dir == tmp_path / "here"
    assert load_settings({}, {"DFSCAN_DATA_DIR": "~/there"}, config).data_dir == tmp_path / "home" / "there"
    assert load_settings({}, {}, config).data_dir.is_absolute()


def test_a_mistyped_setting_is_named_with_the_one_that_was_meant(config: Path) -> None:
    config.write_text("batchsize = 3\n")
    with pytest.raises(SettingsError, match=r"sets batchsize.*did you mean batch_size\?"):
        load_settings({}, {}, config)
    environment = {
        "DFSCAN_DATADIR": "/x",
        "dfscan_model": "y",
        "DFSCAN_XYZZY": "1",
        "DFSCAN_DEVICE": "cpu",
        "DFSCAN_LOG_JSON": "1",
    }
    assert unknown_variables(environment) == [
        "DFSCAN_DATADIR is no setting (did you mean DFSCAN_DATA_DIR?)",
        "DFSCAN_XYZZY is no setting",
        "dfscan_model is no setting (did you mean DFSCAN_MODEL?)",
    ]


def test_files_are_named_in_full(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service, and its workers, run in another folder."""
    monkeypatch.chdir(tmp_path)
    names = {"CACHE_DIR": "cache", "CLIP_WEIGHTS": "./clip.st", "BROKER_CA_FILE": "../ca.pem", "MODEL": "models/mine.safetensors"}
    settings = load_settings({}, {f"DFSCAN_{name}": value for name, value in names.items()}, config)
    assert settings.cache_dir == str(tmp_path / "cache")
    assert settings.clip_weights == str(tmp_path / "clip.st")
    assert settings.broker_ca_file == str(tmp_path.parent / "ca.pem")
    assert settings.model == str(tmp_path / "models" / "mine.safetensors")
    assert load_settings({}, {"DFSCAN_MODEL": "mine"}, config).model == "mine"


def test_a_mark_of_byte_order_is_no_part_of_the_first_setting(config: Path) -> None:
    """As Windows' editors put it at the beginning."""
    config.write_bytes(b"\xef\xbb\xbfbatch_size = 3\r\n")
    assert load_settings({}, {}, config).batch_size == 3


def test_settings_do_not_depend_on_this_process(config: Path) -> None:
    before = dict(os.environ)
    load_settings({}, {"DFSCAN_DATA_DIR": "/x"}, config)
    assert dict(os.environ) == before


@pytest.mark.parametrize(
    ("word", "meant"), [("false", False), ("No", False), ("0", False), ("off", False), (" TRUE ", True), ("1", True)]
)
def test_yes_and_no_in_words(config: Path, word: str, meant: bool) -> None:
    assert load_settings({}, {"DFSCAN_FACES": word}, config).faces is meant
    config.write_text(f"faces = {str(meant).lower()}\n")
    settings = load_settings({}, {}, config)
    assert settings.faces is meant
    assert load_settings({}, as_environment(settings), config) == settings


@pytest.mark.parametrize("value", ['"perhaps"', "2", "[]"])
def test_what_is_neither_yes_nor_no_is_refused(config: Path, value: str) -> None:
    config.write_text(f"faces = {value}\n")
    with pytest.raises(SettingsError, match=r"faces = .* is neither true nor false"):
        load_settings({}, {}, config)


# What a comma-joined list, or a variable for each setting, would change on its way to a child process.
AWKWARD = ("a, b", " begins and ends with a space ", "two\nlines", "\udcff\udcfe", 'a "quote" and a \\', "ü", "")


def test_a_child_process_gets_the_very_same_settings(config: Path, tmp_path: Path) -> None:
    config.write_text('ignore = ["of the file"]\ndatabase_url = "of the file"\nmodel = "of the file"\n')
    settings = Settings(
        tmp_path / "data, or\n\udcff",
        database_url="",  # the child must not fall back to the file's
        model=" lite, or so\n",
        faces=False,
        settle_seconds=0.1,
        ignore=AWKWARD,
        path_map=tuple(f"/a{part}=/b{part}" for part in AWKWARD),
    )
    environment = as_environment(settings)
    assert list(environment) == [HANDED_DOWN]
    assert environment[HANDED_DOWN].isascii()
    assert load_settings({}, {"DFSCAN_IGNORE": "x,y", "DFSCAN_DEVICE": "cuda", **environment}, config) == settings


def test_settings_survive_the_environment_of_a_real_process(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "d", ignore=AWKWARD, path_map=("/a, b\n\udcff=/c",), faces=False)
    program = (
        "import os; from pathlib import Path; from scanner.base.settings import load_settings;"
        "settings = load_settings({}, os.environ, Path('none')); print(ascii(settings))"
    )
    environment = {**os.environ, "DFSCAN_IGNORE": "another", **as_environment(settings)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == ascii(settings) + "\n"


def test_order_with_handed_down_settings(config: Path, tmp_path: Path) -> None:
    handed_down = {HANDED_DOWN: '{"device": "cuda:1", "batch_size": 3}'}
    environment = {"DFSCAN_DEVICE": "cpu", "DFSCAN_DECODERS": "4", "DFSCAN_DATA_DIR": str(tmp_path), **handed_down}
    settings = load_settings({"batch_size": 5}, environment, config)
    assert (settings.batch_size, settings.device, settings.decoders) == (5, "cuda:1", 4)
    sources = {item.name: item.source for item in sourced_settings({}, environment, config)}
    assert sources["device"] == "environment DFSCAN_SETTINGS"
    assert sources["decoders"] == "environment DFSCAN_DECODERS"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("{", "cannot be read"),
        ("[]", "no JSON object"),
        ('{"modle": "x"}', "modle"),
        ('{"batch_size": "many"}', "batch_size"),
        ('{"ignore": 5}', "ignore"),
        ('{"faces": 2}', "faces"),
    ],
)
def test_what_was_handed_down_and_cannot_be_understood(config: Path, value: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        load_settings({}, {HANDED_DOWN: value}, config)
    assert HANDED_DOWN in str(caught.value)


@pytest.mark.parametrize(("of", "decoders"), [(1, 2), (2, 2), (6, 6), (64, 8)])
def test_each_core_has_a_decoder_where_nothing_is_set(of: int, decoders: int) -> None:
    """Finding faces in photos takes decoders more than all else: two on eight cores would leave most of them idle."""
    assert usual_decoders(of) == decoders


def test_the_decoders_of_this_machine(config: Path) -> None:
    assert load_settings({}, {}, config).decoders == usual_decoders(cores())
    assert load_settings({}, {"DFSCAN_DECODERS": "1"}, config).decoders == 1
