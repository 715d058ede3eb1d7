"""Files of alerts are known by their content; what is none is a fault and never an exception."""

import gzip
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triggers import alerts
from triggers.alerts import AlertFault, read_alerts

CAP = (
    b'<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>A1</identifier><sender>s</sender>'
    b"<sent>2026-08-01T08:00:00+08:00</sent><status>Actual</status><msgType>Alert</msgType><scope>Public</scope>"
    b"<info><event>Typhoon</event></info></alert>"
)


def written(folder: Path, content: bytes) -> Path:
    path = folder / "alerts.bin"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("content", [CAP, b"\xef\xbb\xbf  \n" + CAP, gzip.compress(CAP)])
def test_the_format_is_told_by_the_content(tmp_path, content):
    assert [row["event"] for row in read_alerts(written(tmp_path, content)).rows] == ["typhoon"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "an empty file"),
        (b"id,event\n1,typhoon\n", "neither XML nor JSON: not a document of alerts"),
        (b"<html></html>", "XML, but <html> is neither CAP, Atom, EDXL-DE nor the RSS of GDACS"),
        (b"[1, 2]", "JSON, but not an answer of the QWeather API"),
        (b'{"a": ', "not well-formed JSON: Expecting value: line 1 column 7 (char 6)"),
        (b"\x1f\x8bnot gzip", "not a sound gzip file: Error -3 while decompressing data: unknown compression method"),
    ],
)
def test_what_is_no_document_of_alerts_is_a_fault(tmp_path, content, message):
    path = written(tmp_path, content)
    found = read_alerts(path)
    assert found.rows == []
    assert found.faults[0] == AlertFault(path, 1, message)
    assert str(found.faults[0]) == f"{path}:1: {message}"


def test_a_gzip_file_cut_off_is_read_as_far_as_it_goes(tmp_path):
    found = read_alerts(written(tmp_path, gzip.compress(CAP)[:-8]))
    assert [row["alert_id"] for row in found.rows] == ["A1"]
    assert found.faults[0].message == "the gzip file is cut off; read as far as it goes"


def test_a_small_file_that_unpacks_to_a_huge_one_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(alerts, "LARGEST", 1_000)
    found = read_alerts(written(tmp_path, gzip.compress(b"<alert>" + b" " * 100_000)))
    assert found.rows == []
    assert found.faults[0].message == "larger than 1000 bytes, not read"


def test_a_file_that_is_not_there_raises(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_alerts(tmp_path / "missing.cap")


def test_a_file_with_nothing_but_a_byte_order_mark_is_empty(tmp_path):
    found = read_alerts(written(tmp_path, b"\xef\xbb\xbf \n"))
    assert ([fault.message for fault in found.faults], found.rows) == (["an empty file"], [])


@given(
    content=st.binary(max_size=200),
    cut=st.integers(0, len(CAP)),
    prefix=st.sampled_from([b"", b"<", b"{", b"\x1f\x8b"]),
)
def test_no_content_whatever_raises(tmp_path_factory, content, cut, prefix):
    folder = tmp_path_factory.mktemp("any")
    for document in (prefix + content, CAP[:cut] + content + CAP[cut:]):
        found = read_alerts(written(folder, document))
        assert found.rows or found.faults


def test_the_package_loads_neither_numpy_nor_shapely():
    code = "import sys, triggers.alerts; sys.exit(int(bool({'numpy', 'shapely', 'pandas'} & set(sys.modules))))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
