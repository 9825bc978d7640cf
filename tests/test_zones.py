"A deploy whose image lacks time zones, and the next one, which has them: schedules go on"
from datetime import datetime,timedelta,timezone
from zoneinfo import ZoneInfo

import pytest

from tenant_tasks import schedule
from tenant_tasks.job import parse_time
from tenant_tasks.lookout import Lookout
from tenant_tasks.process import Process
from tenant_tasks.schedules import new_schedule
from tenant_tasks.task import task
from tenant_tasks.tenants import Tenants

@task(name='zones.note')
def note(n=0): pass

berlin = dict(cron='0 3 * * *', tz='Europe/Berlin')
hour = timedelta(hours=1)

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
    "Deploy a worker that declares schedules and look at the tenant: the tenant's manager, and when to look again"
    clock.now = datetime(2026, 11, 23, 1, tzinfo=timezone.utc)
    def look(zones, *declared):
        tenants,due = Tenants(tmp_path, clock=clock, process=deploy(zones)),{}
        acme,lookout = tenants.create('acme'),Lookout(tenants, due.__setitem__, lambda *args: pytest.fail(str(args)), process=tenants.manager_kw['process'])
        lookout.declared = {o.name:(o, tz) for o,tz in declared}
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
    assert ticks(acme)==[datetime(2026, 11, 24, 2, tzinfo=timezone.utc)] and not acme.get_schedule('nightly').paused

def test_the_others_go_on_meanwhile(care, clock):
    acme,_ = care(True)
    acme.schedule('nightly', note, **berlin)
    acme.schedule('hourly', note, every=3600)
    clock.advance(2*hour)
    acme,again = care(False)
    assert len(ticks(acme))==1 and again<=clock().timestamp() # The new job
    assert acme.tick()==clock()+timedelta(minutes=5)

def test_what_is_declared_without_zones_comes_with_them(care, clock):
    "A new schedule, a changed one, and one that needs no zone"
    night,often = (new_schedule('nightly', note, {}, **berlin), 'Europe/Berlin'),(new_schedule('often', note, {}, every=60), 'UTC')
    late = new_schedule('nightly', note, {}, cron='0 4 * * *', tz='Europe/Berlin'),'Europe/Berlin'
    acme,again = care(False, night, often)
    assert [o.name for o in acme.schedules()]==['often'] and again
    acme,_ = care(True, night, often)
    assert [o.name for o in acme.schedules()]==['nightly', 'often']
    acme,_ = care(False, late, often)
    assert acme.get_schedule('nightly').cron=='0 3 * * *'
    acme,_ = care(True, late, often)
    assert acme.get_schedule('nightly').cron=='0 4 * * *'

def test_a_zone_function_that_fails_removes_nothing(care, clock, logs):
    "The app's function from a tenant to its zone fails, for instance since its own database is away"
    declared = new_schedule('nightly', note, {}, **berlin)
    acme,_ = care(True, (declared, lambda name: 'Europe/Berlin'))
    before = acme.schedules()
    acme,again = care(True, (declared, lambda name: 1/0))
    assert acme.schedules()==before!=[] and again and any('has no time zone' in o for o in logs('ERROR'))
