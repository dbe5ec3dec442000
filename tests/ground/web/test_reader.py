from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.utils import timezone, translation

from makegood.ground.web import reader
from makegood.ground.web.formats import day_time


@pytest.mark.parametrize("language", ["en", "pt-br"])
def test_who_reads_is_whom_django_names(language: str):
    with translation.override(language), timezone.override(ZoneInfo("Asia/Tokyo")):
        with reader.one_reader():
            inside = reader.reader()
        assert inside.language == reader.language() == language
        assert str(inside.zone) == str(reader.zone()) == "Asia/Tokyo"


def test_a_page_is_written_for_one_reader_and_the_next_for_another():
    with timezone.override(ZoneInfo("Asia/Tokyo")), reader.one_reader():
        assert str(reader.zone()) == "Asia/Tokyo"
    with timezone.override(ZoneInfo("America/Sao_Paulo")), reader.one_reader():
        assert str(reader.zone()) == "America/Sao_Paulo"
    assert reader.zone() == timezone.get_current_timezone()


def test_the_day_is_the_readers():
    late_in_london = datetime(2026, 3, 5, 23, 30, tzinfo=UTC)
    with time_machine.travel(late_in_london, tick=False):
        with timezone.override(ZoneInfo("Asia/Tokyo")), reader.one_reader():
            assert day_time(late_in_london) == "08:30"  # the sixth there, as now is
            assert day_time(datetime(2026, 3, 5, 12, tzinfo=UTC)) == "Thu 21:00"
        assert day_time(datetime(2026, 3, 5, 12, tzinfo=UTC)) == "12:00"
