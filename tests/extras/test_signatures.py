"""A model file that must be signed: by which tools, what is refused, and that nothing slips past.

The signatures were made by minisign 0.11, signify 31 and OpenSSL 3.0 (`tests/data/README.md`).
"""

from __future__ import annotations

import json
import pickle
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

import edgefeat
from edgefeat import FeatureExtractor, ModelError
from edgefeat.cli.main import main
from edgefeat.doctor import examine
from edgefeat.errors import OptionError, SignatureError
from edgefeat.model.file import KEY_VARIABLE, read_model_file

ROOT = Path(__file__).parents[2]
SIGNED = ROOT / "tests/data/signatures"
PEOPLE = ROOT / "tests/data/people.onnx"
MINISIGN = str(SIGNED / "minisign.pub")
ROW = {"age": 41, "rooms": 3, "city": "Rome", "note": "good"}

TOOLS = {
    "minisign": ("minisign.pub", "people.onnx.minisig", ".minisig"),
    "minisign-of-old": ("minisign.pub", "people.onnx.legacy.minisig", ".minisig"),
    "signify": ("signify.pub", "people.onnx.sig", ".sig"),
    "openssl": ("openssl.pem", "people.onnx.raw.sig", ".sig"),
}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The model with minisign's signature beside it."""
    path = Path(shutil.copy(PEOPLE, tmp_path / "people.onnx"))
    shutil.copy(SIGNED / "people.onnx.minisig", f"{path}.minisig")
    return path


@pytest.mark.parametrize(("key", "signature", "ending"), TOOLS.values(), ids=TOOLS)
def test_a_signature_beside_the_file_by_any_of_the_tools(
    key: str, signature: str, ending: str, tmp_path: Path
) -> None:
    path = Path(shutil.copy(PEOPLE, tmp_path / "people.onnx"))
    shutil.copy(SIGNED / signature, f"{path}{ending}")
    signed = read_model_file(path, verify_key=str(SIGNED / key)).signed
    assert signed is not None
    assert signed.comment == ("people 1, approved" if ending == ".minisig" else None)


@pytest.mark.parametrize(("key", "signature", "ending"), TOOLS.values(), ids=TOOLS)
@pytest.mark.parametrize("place", [0, 1300, -1], ids=["first", "middle", "last"])
def test_one_changed_byte_is_refused(
    key: str, signature: str, ending: str, place: int, tmp_path: Path
) -> None:
    path, data = tmp_path / "people.onnx", bytearray(PEOPLE.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    shutil.copy(SIGNED / signature, f"{path}{ending}")
    with pytest.raises(SignatureError, match="changed since it was signed, or never signed with"):
        FeatureExtractor(path, verify_key=SIGNED / key)


def test_without_a_signature(tmp_path: Path) -> None:
    path = shutil.copy(PEOPLE, tmp_path / "people.onnx")
    with pytest.raises(SignatureError) as caught:
        FeatureExtractor(path, verify_key=MINISIGN)
    assert isinstance(caught.value, ModelError)
    assert str(caught.value) == (
        f"{path}: not signed: there is no {path}.minisig or {path}.sig. Sign the model where you "
        "trust it, such as with `minisign -Sm FILE`, and put the signature beside it, or name it "
        "with signature."
    )


def test_another_key(model: Path) -> None:
    with pytest.raises(SignatureError) as caught:
        FeatureExtractor(model, verify_key=SIGNED / "other.pub")
    assert str(caught.value) == (
        f"{model}.minisig: signed with key 751EE120361C992, expected key CDAA7B2AED2A08BA. Sign "
        "the file with that key, or give the key of whoever signed it."
    )


def test_a_file_of_several_keys_and_a_key_as_text(model: Path, tmp_path: Path) -> None:
    """A fleet that changes its key trusts the old and the new one for a while."""
    both = tmp_path / "keys.pub"
    parts = [(SIGNED / name).read_text() for name in ("openssl.pem", "other.pub", "minisign.pub")]
    both.write_text("# the fleet's keys\n" + "\n".join(parts))
    line = (SIGNED / "minisign.pub").read_text().splitlines()[1]
    for key in (str(both), line):
        signed = read_model_file(model, verify_key=key).signed
        assert signed is not None
        assert signed.key == "751EE120361C992"


def test_a_changed_comment(model: Path) -> None:
    place = Path(f"{model}.minisig")
    place.write_text(place.read_text().replace("people 1", "people 2"))
    with pytest.raises(SignatureError, match="its trusted comment was changed after it was signed"):
        FeatureExtractor(model, verify_key=MINISIGN)


def test_whatever_is_done_to_a_signature_it_is_refused(model: Path) -> None:
    place = Path(f"{model}.minisig")
    whole, random_ = place.read_bytes(), random.Random(0)
    first = whole.index(b"\n") + 1  # the line before is a comment that nobody signs
    damaged = [whole[:length] for length in range(len(whole) - 1)]
    for _ in range(300):
        changed = bytearray(whole)
        changed[random_.randrange(first, len(whole) - 1)] ^= 1 << random_.randrange(8)
        damaged.append(bytes(changed))
    damaged += [b"\x00" * 64, b"\xff" * 100_000, b"untrusted comment:\n\xff\n", whole + whole]
    for data in damaged:
        if data.splitlines() == whole.splitlines()[:2]:
            continue  # signify's form of the same signature
        place.write_bytes(data)
        with pytest.raises(SignatureError):
            read_model_file(model, verify_key=MINISIGN)


def test_nothing_of_an_unsigned_file_is_read(tmp_path: Path) -> None:
    """What is refused is refused for its signature, whatever else is wrong with it."""
    path = tmp_path / "odd.onnx"
    path.write_bytes(b"not a model at all")
    shutil.copy(SIGNED / "people.onnx.minisig", f"{path}.minisig")
    with pytest.raises(SignatureError):
        FeatureExtractor(path, verify_key=MINISIGN)


def test_the_bytes_that_were_checked_are_those_that_run(model: Path) -> None:
    file = read_model_file(model, verify_key=MINISIGN)
    model.write_bytes((ROOT / "tests/data/three_outputs.onnx").read_bytes())
    assert file.for_engine() == PEOPLE.read_bytes()


def test_an_extractor_is_checked_again_in_another_process(model: Path) -> None:
    with (
        FeatureExtractor(model, verify_key=MINISIGN) as signed,
        FeatureExtractor(PEOPLE) as unsigned,
    ):
        assert signed.fingerprint == unsigned.fingerprint
        np.testing.assert_array_equal(signed.extract(ROW), unsigned.extract(ROW))
        sent = pickle.dumps(signed)
    pickle.loads(sent).close()  # noqa: S301 - our own
    Path(f"{model}.minisig").unlink()
    with pytest.raises(SignatureError, match="not signed"):
        pickle.loads(sent)  # noqa: S301 - our own


def test_what_is_kept_of_an_unsigned_file_is_not_taken_for_a_signed_one(model: Path) -> None:
    unsigned = read_model_file(model)
    signed = read_model_file(model, verify_key=MINISIGN)
    assert signed.identity.partition("-")[0] != unsigned.identity.partition("-")[0]
    assert not signed.identity.startswith(signed.spec.fingerprint[:16])


def test_a_models_bytes_come_with_their_signature() -> None:
    content = PEOPLE.read_bytes()
    signature = (SIGNED / "people.onnx.minisig").read_bytes()
    FeatureExtractor(content, verify_key=MINISIGN, signature=signature).close()
    with pytest.raises(SignatureError) as caught:
        FeatureExtractor(content, verify_key=MINISIGN)
    assert str(caught.value) == (
        "model given as bytes: its signature was not given. Give it with signature."
    )


def test_a_signature_without_a_key_says_so(model: Path) -> None:
    with pytest.raises(OptionError, match="no effect without a key"):
        FeatureExtractor(model, signature=f"{model}.minisig")


def written(path: Path, make: Callable[[], bytes]) -> str:
    path.write_bytes(make())
    return str(path)


PEM = serialization.Encoding.PEM
SPKI = serialization.PublicFormat.SubjectPublicKeyInfo
NO_KEYS: dict[str, tuple[Callable[[], bytes], str]] = {
    "curve": (
        lambda: ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(PEM, SPKI),
        "a key of another kind",
    ),
    "private": (
        lambda: ed25519.Ed25519PrivateKey.generate().private_bytes(
            PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
        "a private key, which should be on no device",
    ),
    "damaged": (
        lambda: b"-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----\n",
        "a damaged key",
    ),
    "photo": (lambda: b"\xff\xd8\xff\xe0 a photo", "a file with a line that is no public key"),
    "large": (lambda: b"a" * 100_000, "a large file"),
}


@pytest.mark.parametrize("name", NO_KEYS)
def test_what_is_no_key(name: str, model: Path, tmp_path: Path) -> None:
    make, got = NO_KEYS[name]
    with pytest.raises(OptionError) as caught:
        FeatureExtractor(model, verify_key=written(tmp_path / "key", make))
    assert str(caught.value) == (
        f"verify_key: expected a public key of minisign, signify or OpenSSL (Ed25519), got {got}."
    )


@pytest.mark.parametrize("key", ["", "nowhere.pub", "."])
def test_a_key_that_is_not_there_opens_nothing(key: str, model: Path) -> None:
    with pytest.raises(OptionError, match=r"verify_key: expected a public key"):
        FeatureExtractor(model, verify_key=key)


def test_the_environment_demands_a_signature_of_every_model(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, MINISIGN)
    FeatureExtractor(model).close()
    with pytest.raises(SignatureError, match="not signed: there is no"):
        FeatureExtractor()  # the shipped one
    with pytest.raises(SignatureError, match="its signature was not given"):
        FeatureExtractor(PEOPLE.read_bytes())
    with pytest.raises(OptionError) as caught:
        edgefeat.teach(tmp_path, tmp_path / "mine.onnx")
    assert str(caught.value) == (
        "EDGEFEAT_VERIFY_KEY: demands signed models, and what is taught here is not signed. Teach "
        "where models are made and signed, or unset it."
    )


def test_an_environment_that_says_nothing_opens_nothing(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `EDGEFEAT_VERIFY_KEY=$KEY` says it where KEY is not set."""
    monkeypatch.setenv(KEY_VARIABLE, "")
    with pytest.raises(OptionError) as caught:
        FeatureExtractor(model)
    assert str(caught.value) == (
        "EDGEFEAT_VERIFY_KEY: expected a public key of minisign, signify or OpenSSL (Ed25519), got "
        "an empty text."
    )


def test_without_the_package_nothing_is_opened(model: Path) -> None:
    code = (
        "import sys; sys.modules['cryptography'] = None; from edgefeat.cli.main import main;"
        f"sys.exit(main(['info', {str(model)!r}, '--verify-key', {MINISIGN!r}]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr == (
        "edgefeat: error: checking a model file's signature needs the package cryptography. "
        "Install it with `pip install 'edgefeat[verify]'`.\n"
    )


def test_info_says_who_signed(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(model), "--verify-key", MINISIGN, "--self-test"]) == 0
    text = capsys.readouterr().out
    assert "signature    good, by key 751EE120361C992: people 1, approved\n" in text
    assert "self-test    passed" in text
    assert main(["info", str(model), "--verify-key", MINISIGN, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["signature"] == {
        "key": "751EE120361C992",
        "comment": "people 1, approved",
    }
    assert main(["info", str(PEOPLE), "--verify-key", MINISIGN]) == 3
    assert "not signed: there is no" in capsys.readouterr().err


def test_doctor_says_who_signed(model: Path) -> None:
    report = examine(str(model), verify_key=MINISIGN)
    assert report.signature == "good, by key 751EE120361C992: people 1, approved"
    Path(f"{model}.minisig").unlink()
    report = examine(str(model), verify_key=MINISIGN)
    assert report.model is None
    assert any("not signed" in one.detail for one in report.providers)
    assert report.problems


def test_commands_demand_it_too(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "rows.csv"
    table.write_text("age,rooms,city,note\n41,3,Rome,good\n")
    asked = ["--model", str(model), "--verify-key", MINISIGN]
    out = str(tmp_path / "out.csv")
    assert main(["extract", str(table), "-o", out, *asked]) == 0
    assert main(["info", out, "--verify-key", MINISIGN]) == 2
    assert "--verify-key: has no effect: a set runs no model" in capsys.readouterr().err
    Path(f"{model}.minisig").unlink()
    for command in (
        ["extract", str(table), "-o", out, "--overwrite"],
        ["predict", str(table), "-o", str(tmp_path / "answers.csv")],
        ["stream", "test:"],
        ["bench"],
    ):
        capsys.readouterr()
        assert main([*command, *asked]) == 3
        assert "not signed: there is no" in capsys.readouterr().err
