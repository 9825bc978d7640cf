"When something recurs: cron in time zones, the nights when the clocks change, downtime, spread, a lack of zones"
from datetime import datetime,timedelta,timezone
from itertools import takewhile
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from helpers import note
from hypothesis import given,strategies as st

from tenant_tasks import Schedule,Tenants,next_tick
from tenant_tasks.fleet.lookout import Lookout
from tenant_tasks.jobs import recurrence as schedule
from tenant_tasks.jobs.job import parse_time,timestamp
from tenant_tasks.jobs.recurrence import find_zone,last_ticks,stable_share
from tenant_tasks.manager.schedules import new_schedule
from tenant_tasks.run.process import Process

utc,minute,hour = timezone.utc,timedelta(minutes=1),timedelta(hours=1)
noon = datetime(2026, 11, 23, 12, tzinfo=utc)
nights = {'Europe/Berlin':('2027-03-28', '2027-10-31'), 'America/New_York':('2027-03-14', '2027-11-07'),
    'Australia/Lord_Howe':('2027-10-03', '2027-04-04')} # When the clocks go forward, and back

def local(text, tz, fold=0): return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(tz), fold=fold).astimezone(utc)

def chain(cron, tz, start, end):
    "The ticks in a span of time, each found from the one before"
    res,at = [],start-timedelta(microseconds=1)
    while (at := next_tick(cron, tz, at))<=end: res.append(at)
    return res

# -- the two nights

@pytest.mark.parametrize('tz,back,cron,at', [('Europe/Berlin', 0, '0 2', '03:00'),
    ('Europe/Berlin', 0, '0,15,30 2', '03:00'), ('Australia/Lord_Howe', 0, '29 2', '02:30'),
    ('America/New_York', 1, '59 1', '01:59'), ('Europe/Berlin', 1, '30 2', '02:30'),
    ('Australia/Lord_Howe', 1, '45 1', '01:45')])
def test_a_time_comes_once(tz, back, cron, at):
    """A skipped one at the end of the gap, a repeated one the first time; wherever the search begins: before the hour,
    in it the first or the second time, or after it"""
    start,tick = [local(f'{nights[tz][back]} {o}', tz) for o in ('00:30', at)]
    assert chain(f'{cron} * * *', tz, start, start+22*hour)==[tick]
    for i in range(-80, 240, 7): assert (next_tick(f'{cron} * * *', tz, tick+i*minute)==tick)==(i<0)

minutes = st.sampled_from(['0', '30', '59', '*', '*/15', '*/7', '5,31', '2-40/9'])
hours = st.sampled_from(['*', '0', '1', '2', '3', '1-3', '*/2', '0,2', '23'])
days = st.sampled_from(['* * *', '* * 0', '* * 1-6', '28-31 * *', '1-7 3,4,10,11 *'])

def truth(cron, tz, start, end):
    "By brute force, minute for minute: the moments at which the clocks show a time that the expression names"
    moments = [start+i*minute for i in range(int((end-start)/minute)+1)]
    walls = [o.astimezone(ZoneInfo(tz)).replace(tzinfo=None) for o in moments]
    names = {*takewhile(lambda o: o<=max(walls), CronSim(cron, walls[0]-minute))}
    if cron.split()[1]=='*': return [o for o,w in zip(moments, walls) if w in names]
    return sorted({next(o for o,w in zip(moments, walls) if w>=name) for name in names})

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
    for cron in ('0 12 * * *', '0 * * * *'):
        assert next_tick(cron, 'UTC', noon-timedelta(microseconds=1))==noon
        assert next_tick(cron, 'UTC', noon+timedelta(microseconds=1))>noon
        assert last_ticks(cron, 'UTC', noon, noon+timedelta(microseconds=1), 5)==[noon]
    with pytest.raises(ValueError, match='never comes'): next_tick('0 0 1 1 *', 'UTC', noon.replace(9999))

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
    for delay in (0, 7.25, 3600*30):
        s = Schedule('h', 'h', cron='0 * * * *', delay=delay, catch_up='all')
        s.next_at = timestamp(s.next(noon))
        ticks,next_at = s.due(noon+timedelta(hours=50))
        assert ticks==[s.next(noon)+timedelta(hours=i) for i in range(len(ticks))]
        assert next_at==ticks[-1]+timedelta(hours=1) and len(ticks)>=50-1

def test_a_share_is_the_same_in_every_process():
    assert stable_share('acme.db', 'nightly')==pytest.approx(0.908115912697486)

# -- a deploy whose image lacks time zones, and the next one, which has them

berlin = dict(cron='0 3 * * *', tz='Europe/Berlin')
@pytest.fixture
def deploy(monkeypatch):
    "Start a process with or without time zones: a `Process` of its own"
    def start(zones):
        def none(tz): raise KeyError(tz)
        monkeypatch.setattr(schedule, 'ZoneInfo', ZoneInfo if zones else none)
        return Process()
    return start

@pytest.fixture
def care(tmp_path, clock, deploy):
    "Deploy a worker that declares schedules and look at the tenant: its manager, and when to look again"
    clock.now = datetime(2026, 11, 23, 1, tzinfo=utc)
    def look(zones, *declared):
        process,due = deploy(zones),{}
        tenants = Tenants(tmp_path, clock=clock, process=process)
        lookout = Lookout(tenants, due.__setitem__, lambda *args: pytest.fail(str(args)), process=process)
        lookout.declared = {o.name:(o, tz) for o,tz in declared}
        acme = tenants.create('acme')
        lookout.look_at(['acme'])
        return acme,due.get('acme')
    return look

def ticks(manager): return sorted(parse_time(o.tick) for o in manager.list_jobs() if o.tick)

@pytest.mark.parametrize('is_declared', [False, True])
def test_a_deploy_without_zones_stops_no_schedule_for_good(care, clock, logs, is_declared):
    "Two nights pass without zones: one job makes up for them, as after any downtime"
    declared = [(new_schedule('nightly', note, {}, **berlin), 'Europe/Berlin')] if is_declared else []
    acme,_ = care(True, *declared)
    if not is_declared: acme.schedule('nightly', note, **berlin)
    before = acme.get_schedule('nightly')
    clock.advance(48*hour)
    acme,again = care(False, *declared)
    assert again is not None and ticks(acme)==[] and acme.get_schedule('nightly')==before and len(logs('ERROR'))==1
    acme,_ = care(True, *declared)
    assert ticks(acme)==[datetime(2026, 11, 24, 2, tzinfo=utc)] and not acme.get_schedule('nightly').paused

def test_what_is_declared_without_zones_comes_with_them(care, clock):
    "A new schedule, a changed one, and one that needs no zone"
    def at(hour): return new_schedule('nightly', note, {}, cron=f'0 {hour} * * *', tz='Europe/Berlin'),'Europe/Berlin'
    often = new_schedule('often', note, {}, every=60),'UTC'
    for zones,declared,crons in [(False, at(3), [None]), (True, at(3), ['0 3 * * *', None]),
        (False, at(4), ['0 3 * * *', None]), (True, at(4), ['0 4 * * *', None])]:
        acme,again = care(zones, declared, often)
        assert [o.cron for o in acme.schedules()]==crons and again
