"""Files of providers: what they may say, and that a slip is named with its file and field."""

from __future__ import annotations

import re

import pytest

from stratocube.catalog.provider_files import PLAIN, provider_named, providers, read_providers
from stratocube.cube.mask import parse_mask
from stratocube.errors import InvalidRequest

GOOD = """
title = "An archive"
documentation = "https://archive.example.org"
evidence = "documented"
hosts = ["stac.example.org"]
collections = ["a-*"]
assets = ["https://files.example.org/"]

[[ids]]
pattern = "X(?P<unit>[12])_.*"
platform = "satellite-{unit}"

[[rewrites]]
from = "https://files.example.org/"
to = "s3://files/"

[[sensors]]
platforms = ["satellite-1", "satellite-2"]
scale = 0.0001

[sensors.quality]
band = "qa"
mask = { clear_data = [1], nodata = 0 }

[sensors.bands]
red = { assets = ["R"], names = ["B1"] }
qa = { assets = ["QA"], kind = "classes" }
"""


def test_a_file_of_a_new_archive_is_all_it_takes() -> None:
    (archive,) = read_providers({"archive": GOOD}).values()
    assert (archive.name, archive.platforms) == ("archive", ("satellite-1", "satellite-2"))
    assert archive.holds("a-2")
    assert not archive.holds("b")
    assert archive.platform("X2_2024", "") == "satellite-2"
    assert archive.nearer("https://files.example.org/x.tif") == "s3://files/x.tif"
    assert archive.sensors[0].named("b1") == {"red"}


@pytest.mark.parametrize(
    ("wrong", "right", "field"),
    [
        ('title = "An archive"', "", "title"),
        ('title = "An archive"', "title = 3", "title"),
        ('evidence = "documented"', 'evidence = "hearsay"', "evidence"),
        ('collections = ["a-*"]', "collections = []", "collections"),
        ('collections = ["a-*"]', 'collection = ["a-*"]', "collections"),
        ('pattern = "X(?P<unit>[12])_.*"', 'pattern = "X("', "ids.0.pattern"),
        ('to = "s3://files/"', "", "rewrites.0.to"),
        ('platforms = ["satellite-1", "satellite-2"]', "platforms = []", "sensors.0.platforms"),
        ("scale = 0.0001", 'scale = "0.0001"', None),
        ("scale = 0.0001", "scale = true", "sensors.0.scale"),
        ('band = "qa"', 'band = "nothing"', "quality.band"),
        ("clear_data = [1], nodata = 0", "clear_data = [1]", "mask.nodata"),
        ('red = { assets = ["R"]', "red = { assets = []", "sensors.0.bands.red.assets"),
        ('kind = "classes"', 'kind = "clases"', "sensors.0.bands.qa.kind"),
        ("[[rewrites]]", "[[rewrites", "providers"),
    ],
)
def test_a_slip_is_named_with_file_and_field(wrong: str, right: str, field: str | None) -> None:
    assert wrong in GOOD
    text = GOOD.replace(wrong, right)
    if field is None:  # a number as text is still that number
        assert read_providers({"archive": text})["archive"].sensors[0].scale == 0.0001
        return
    with pytest.raises(InvalidRequest, match=r"\(provider file archive\)") as caught:
        read_providers({"archive": text})
    assert (caught.value.field or "").endswith(field)


def test_a_platform_has_one_sensor() -> None:
    with pytest.raises(InvalidRequest, match="satellite-1 is there twice"):
        read_providers({"archive": GOOD + '\n[[sensors]]\nplatforms = ["satellite-1"]\n'})


def test_a_file_has_sensors_of_its_own_or_of_another_file() -> None:
    head, _, _ = GOOD.partition("[[sensors]]")
    other = head.replace("hosts", 'sensors_of = "archive"\nhosts')
    read = read_providers({"archive": GOOD, "copy": other})
    assert read["copy"].sensors == read["archive"].sensors
    with pytest.raises(InvalidRequest, match=r"'archive' is no provider file with sensors \(provider file copy\)"):
        read_providers({"copy": other})
    with pytest.raises(InvalidRequest, match="give either sensors or sensors_of"):
        read_providers({"copy": head})


def test_every_file_here_is_sound_and_its_masks_parse() -> None:
    assert PLAIN in providers()
    for provider in providers().values():
        assert provider.documentation.startswith("https://")
        for sensor in provider.sensors:
            assert {platform.lower() for platform in sensor.platforms} == {*sensor.platforms}
            if sensor.quality is not None:
                mask = parse_mask(sensor.quality.mask)
                assert sensor.bands[sensor.quality.band].nodata == mask.nodata, provider.name
                assert sensor.bands[sensor.quality.band].kind == "classes"


def test_masks_of_hls_list_every_value_once() -> None:
    (mask, _) = [parse_mask(sensor.quality.mask) for sensor in providers()["hls-v2"].sensors if sensor.quality]
    assert sorted([*mask.clear, *mask.not_clear, mask.nodata]) == list(range(256))
    assert all(not value & 0b11110 for value in mask.clear)


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidRequest, match=re.escape("item-collection")) as caught:
        provider_named("earthsearch", field="parameters.providers.s2")
    assert caught.value.field == "parameters.providers.s2"
