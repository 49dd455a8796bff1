"""Live numbers as Prometheus reads them, and the server that hands them out."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from dataclasses import replace

import pytest

import edgefeat
from edgefeat.errors import OptionError, SinkError
from edgefeat.streaming import Health, Names
from edgefeat.streaming.metrics import MetricsServer, address_of, prometheus_text
from edgefeat.testing.faults import numbered_frame
from streams_support import NumberReader

SAMPLE = re.compile(r'(edgefeat_\w+)\{((?:\w+="(?:[^"\\]|\\.)*",?)*)\} (\S+)')


def health_of_a_stream(count: int = 20) -> Health:
    names = Names(device='box "7"', camera="ya\\rd\n")
    frames = [numbered_frame(n) for n in range(count)]
    stream = edgefeat.stream(frames, NumberReader(), names=names)
    assert len(list(stream)) == count
    return stream.health()


def samples(text: str) -> dict[tuple[str, str], float]:
    """Read the text as Prometheus does; every line is a comment or a sample."""
    found = {}
    for line in text.splitlines():
        if line.startswith("# "):
            assert re.match(r"# (HELP \w+ .+|TYPE \w+ (counter|gauge))$", line)
            continue
        match = SAMPLE.fullmatch(line)
        assert match, line
        found[match[1], match[2]] = float(match[3])
    return found


def test_every_number_is_there_once() -> None:
    health = health_of_a_stream()
    text = prometheus_text(health)
    found = samples(text)
    own = 'device="box \\"7\\"",camera="ya\\\\rd\\n"'
    assert found["edgefeat_records_total", own] == 20
    assert found["edgefeat_frames_captured_total", own] == 20
    assert found["edgefeat_state", f'{own},state="ended"'] == 1
    assert sum(v for (name, _), v in found.items() if name == "edgefeat_state") == 1
    median = found["edgefeat_latency_seconds", f'{own},quantile="0.5"']
    assert health.latency_p50_ms is not None
    assert median == pytest.approx(health.latency_p50_ms / 1000, rel=1e-4)
    assert not any('quantile="0.99"' in labels for _, labels in found)  # too few samples
    names = [name for name, _ in found]
    assert len(re.findall(r"# TYPE", text)) == len(set(names))


def test_numbers_that_are_not_known_are_left_out() -> None:
    health = replace(health_of_a_stream(), last_frame_age_s=None, latency_p50_ms=None)
    names = {name for name, _ in samples(prometheus_text(health))}
    assert "edgefeat_last_frame_age_seconds" not in names
    assert "edgefeat_latency_seconds" not in names
    assert "edgefeat_last_record_age_seconds" in names


def test_the_server_answers_with_the_numbers_of_that_moment() -> None:
    health = health_of_a_stream()
    given = iter([health, replace(health, emitted=21)])
    with MetricsServer(("127.0.0.1", 0), lambda: next(given)) as server:
        url = f"http://127.0.0.1:{server.address[1]}"
        for count in (20, 21):
            with urllib.request.urlopen(f"{url}/metrics", timeout=5) as answer:  # noqa: S310
                assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
                found = samples(answer.read().decode())
            assert [v for (n, _), v in found.items() if n == "edgefeat_records_total"] == [count]
        with pytest.raises(urllib.error.HTTPError, match="404") as refused:
            urllib.request.urlopen(f"{url}/", timeout=5)  # noqa: S310
        refused.value.close()
        with pytest.raises(SinkError, match="cannot be offered: Address already in use"):
            MetricsServer(("127.0.0.1", server.address[1]), lambda: health)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("9105", ("127.0.0.1", 9105)),
        ("0.0.0.0:9105", ("0.0.0.0", 9105)),  # noqa: S104
        ("[::1]:9105", ("::1", 9105)),
    ],
    ids=["port", "any", "ipv6"],
)
def test_addresses(text: str, address: tuple[str, int]) -> None:
    assert address_of(text) == address


@pytest.mark.parametrize("text", ["", "here", "127.0.0.1:", ":9105", "70000", "h:-1"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(OptionError, match="metrics: expected a port or an address"):
        address_of(text)


def test_health_says_what_runs_and_how_old_it_is() -> None:
    names = Names(device="box", camera="yard")
    stream = edgefeat.stream([numbered_frame(n) for n in range(3)], NumberReader(), names=names)
    before = stream.health()
    assert (before.last_frame_age_s, before.last_record_age_s) == (None, None)
    records = iter(stream)
    next(records)
    now = stream.health()
    assert now.busy_s >= 0
    assert now.last_record_age_s is not None
    assert now.last_record_age_s < 5
    assert (now.device, now.camera, now.session) == ("box", "yard", names.session)
    assert now.version == edgefeat.__version__
    list(records)
    after = stream.health()
    assert (after.busy_s, after.reconnects, after.last_error) == (0.0, 0, None)
    assert (after.latency_window_s, after.latency_count) == (60.0, 3)


def test_health_names_the_model() -> None:
    with edgefeat.FeatureExtractor() as extractor:
        stream = edgefeat.stream([numbered_frame(0)], extractor)
        assert stream.health().model == extractor.spec.name
        stream.close()
