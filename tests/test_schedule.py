"When something recurs: cron expressions in time zones, the nights when the clocks change, downtime, spread"
from datetime import datetime,timedelta,timezone
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given,strategies as st

from tenant_tasks import schedule
from tenant_tasks.job import timestamp
from tenant_tasks.schedule import Schedule,find_zone,last_ticks,next_tick,stable_share

utc,minute = timezone.utc,timedelta(minutes=1)
nights = {'Europe/Berlin':('2027-03-28', '2027-10-31'), 'America/New_York':('2027-03-14', '2027-11-07'),
    'Australia/Lord_Howe':('2027-10-03', '2027-04-04')} # When the clocks go forward, and back

def local(text, tz, fold=0): return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(tz), fold=fold).astimezone(utc)

def chain(cron, tz, start, end):
    "The ticks in a span of time, each found from the one before"
    res,at = [],start-timedelta(microseconds=1)
    while (at := next_tick(cron, tz, at))<=end: res.append(at)
    return res

# -- the two nights

skipped = [('Europe/Berlin', '0 2', '03:00'), ('Europe/Berlin', '0,15,30 2', '03:00'),
    ('America/New_York', '30 2', '03:00'), ('Australia/Lord_Howe', '29 2', '02:30')]

@pytest.mark.parametrize('tz,cron,at', skipped)
def test_a_skipped_time_comes_once_at_the_end_of_the_gap(tz, cron, at):
    day = nights[tz][0]
    assert chain(f'{cron} * * *', tz, local(f'{day} 00:30', tz), local(f'{day} 23:00', tz))==[local(f'{day} {at}', tz)]

repeated = [('Europe/Berlin', '30 2', '02:30'), ('Europe/Berlin', '0 2', '02:00'),
    ('America/New_York', '59 1', '01:59'), ('Australia/Lord_Howe', '45 1', '01:45')]

@pytest.mark.parametrize('tz,cron,at', repeated)
def test_a_repeated_time_comes_once_the_first_time(tz, cron, at):
    "Wherever the search begins: before the hour, inside it the first time, inside it the second time, after it"
    day = nights[tz][1]
    tick = local(f'{day} {at}', tz)
    assert local(f'{day} {at}', tz, fold=1)>tick
    for i in range(-120, 240, 7):
        after = tick+i*minute
        found = next_tick(f'{cron} * * *', tz, after)
        assert found>after
        assert found==tick if i<0 else found.astimezone(ZoneInfo(tz)).day!=tick.astimezone(ZoneInfo(tz)).day

def test_elapsed_time_has_no_gap_and_no_double():
    for tz,days in nights.items():
        for day in days:
            start = local(f'{day} 00:00', tz)
            assert chain('*/10 * * * *', tz, start, start+timedelta(hours=8))==[start+10*i*minute for i in range(49)]

minutes = st.sampled_from(['0', '30', '59', '*', '*/15', '*/7', '5,31', '2-40/9'])
hours = st.sampled_from(['*', '0', '1', '2', '3', '1-3', '*/2', '0,2', '23'])
days = st.sampled_from(['* * *', '* * 0', '* * 1-6', '28-31 * *', '1-7 3,4,10,11 *'])

def truth(cron, tz, start, end):
    "By brute force, minute for minute: the moments at which the clocks show a time that the expression names"
    zone,res = ZoneInfo(tz),set()
    moments = [start+i*minute for i in range(int((end-start)/minute)+1)]
    walls = [o.astimezone(zone).replace(tzinfo=None) for o in moments]
    first = walls[0]-timedelta(minutes=1)
    names = set()
    for o in CronSim(cron, first):
        if o>max(walls): break
        names.add(o)
    if cron.split()[1]=='*': return [o for o,w in zip(moments, walls) if w in names]
    for name in names: res.add(next(o for o,w in zip(moments, walls) if w>=name))
    return sorted(res)

each_night = st.sampled_from([(k,o) for k,v in nights.items() for o in v])

@given(minutes, hours, days, each_night, st.integers(0, 90), st.integers(0, 48*60))
def test_ticks_are_what_the_clocks_show(mins, hrs, dys, night, before, length):
    "Forwards from each to the next, and backwards in one go, around the nights in three zones"
    cron,(tz,day) = f'{mins} {hrs} {dys}',night
    start = local(f'{day} 00:00', tz)-before*minute
    end = start+length*minute
    found = chain(cron, tz, start, end)
    assert found==truth(cron, tz, start, end)==last_ticks(cron, tz, start, end, 100_000)
    assert found[-3:]==last_ticks(cron, tz, start, end, 3)

@given(st.text('0123456789*,-/#LWMONABC ?@', max_size=12), st.integers(0, 4))
def test_any_text_is_an_expression_or_a_clear_error(text, field):
    for cron in (text, ' '.join('0' if i!=field else text for i in range(5))):
        try: assert next_tick(cron, 'Europe/Berlin', datetime(2026, 11, 23, tzinfo=utc)).tzinfo
        except ValueError as e: assert '`cron` must be' in str(e) and repr(cron) in str(e)

def test_microseconds_lose_no_tick():
    noon = datetime(2026, 11, 23, 12, tzinfo=utc)
    for cron in ('0 12 * * *', '0 * * * *'):
        assert next_tick(cron, 'UTC', noon-timedelta(microseconds=1))==noon
        assert next_tick(cron, 'UTC', noon+timedelta(microseconds=1))>noon
        assert last_ticks(cron, 'UTC', noon, noon+timedelta(microseconds=1), 5)==[noon]

def test_the_end_of_the_calendar_is_an_error():
    with pytest.raises(ValueError, match='never comes'): next_tick('0 0 1 1 *', 'UTC', datetime(9999, 6, 1, tzinfo=utc))

def test_a_system_without_zones_says_what_to_install(monkeypatch):
    monkeypatch.setattr(schedule, 'available_timezones', set)
    with pytest.raises(ValueError, match='pip install tzdata'): find_zone('Europe/Paris/Nord')
    assert find_zone('UTC') is utc

# -- downtime

@pytest.mark.parametrize('when', [dict(every=5.), dict(cron='*/5 * * * * *', tz='Europe/Berlin')])
@pytest.mark.parametrize('catch_up,n', [('once', 1), ('skip', 1), ('all', 100)])
def test_two_weeks_of_downtime_on_five_seconds(monkeypatch, when, catch_up, n):
    "241,920 ticks were missed; the work to find the latest is bounded"
    steps,step = [],CronSim.__next__
    monkeypatch.setattr(CronSim, '__next__', lambda self: steps.append(1) or step(self))
    noon = datetime(2026, 11, 23, 12, tzinfo=utc)
    s = Schedule('poll', 'poll', catch_up=catch_up, next_at=timestamp(noon-timedelta(weeks=2)), **when)
    ticks,next_at = s.due(noon+timedelta(seconds=3))
    assert ticks==[noon-timedelta(seconds=5*i) for i in reversed(range(n))]
    assert next_at==noon+timedelta(seconds=5) and len(steps)<=n+3

@pytest.mark.parametrize('late,n', [(0, 1), (59, 1), (61, 0), (7200, 0)])
def test_skip_makes_only_what_is_on_time(late, n):
    at = datetime(2026, 11, 23, 3, tzinfo=utc)
    s = Schedule('nightly', 'nightly', cron='0 3 * * *', catch_up='skip', next_at=timestamp(at))
    ticks,next_at = s.due(at+timedelta(seconds=late))
    assert len(ticks)==n and next_at==at+timedelta(days=1)

def test_a_delay_moves_a_tick_and_never_doubles_it():
    "Also one that is longer than the time between two ticks"
    noon = datetime(2026, 11, 23, 12, tzinfo=utc)
    for delay in (0, 7.25, 3600*30):
        s = Schedule('h', 'h', cron='0 * * * *', delay=delay, catch_up='all')
        s.next_at = timestamp(s.next(noon))
        ticks,next_at = s.due(noon+timedelta(hours=50))
        assert ticks==[s.next(noon)+timedelta(hours=i) for i in range(len(ticks))]
        assert next_at==ticks[-1]+timedelta(hours=1) and len(ticks)>=50-1

def test_a_share_is_the_same_in_every_process():
    assert stable_share('acme.db', 'nightly')==pytest.approx(0.908115912697486)
