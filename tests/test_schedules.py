"One job a tick: with several managers and processes, over kills, outages, edits, pauses and clocks that jump"
import tempfile,time
from datetime import datetime,timedelta,timezone

import pytest
from chaos import Chaos,check_ledger,work_and_be_killed
from fastlite import database
from helpers import command,end,in_threads,manager_at,note,program,ran,until,wait_until,working
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine,invariant,rule

from tenant_tasks import TenantJob,Tenants,Worker,next_tick,task
from tenant_tasks.db.schema import columns,schedule_columns
from tenant_tasks.fleet.lookout import Lookout
from tenant_tasks.jobs.job import new_id,parse_time,timestamp,utcnow
from tenant_tasks.manager.schedules import new_schedule
from tenant_tasks.run.process import Process
from tenant_tasks.testing import Clock,run

noon = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
hour = timedelta(hours=1)

@task(name='s.other')
def other(n=0): ran.append(-n)

def ticks_of(manager, name='h'):
    return [parse_time(o.tick) for o in reversed(manager.list_jobs(limit=100_000)) if o.schedule==name]
def hourly(manager, func=note, **kw):
    return manager.schedule('h', func, **{**dict(cron='0 * * * *', overlap='allow'), **kw})

# -- a tick is made once

class SeveralManagers(RuleBasedStateMachine):
    "Three managers on one file. What one has read of the schedule, it may act on much later"
    def __init__(self):
        super().__init__()
        self.clock = Clock(noon)
        self.latest = noon
        self.dir = tempfile.TemporaryDirectory(prefix='tenant_tasks')
        self.managers = [manager_at(f'{self.dir.name}/acme.db', self.clock) for _ in range(3)]
        self.held = [None]*3
        self.seen = {}
        hourly(self.managers[0])

    which = st.integers(0, 2)

    @rule(i=which)
    def read(self, i): self.held[i] = next(iter(self.managers[i].schedules()), None)

    @rule(i=which)
    def act(self, i):
        "What `tick` does, with a row that may be old"
        s,manager = self.held[i],self.managers[i]
        if s is None or s.paused or parse_time(s.next_at)>self.clock(): return
        ticks,next_at = s.due(self.clock())
        jobs = [TenantJob(new_id(), 'h', task=s.task, schedule='h', tick=timestamp(o)) for o in ticks]
        manager.store.tick(s, next_at, jobs, self.clock())

    @rule(order=st.permutations(range(3)))
    def together(self, order):
        "All read before the first one writes"
        for i in order: self.read(i)
        for i in order: self.act(i)

    @rule(i=which)
    def tick(self, i): self.managers[i].tick()

    @rule(minutes=st.integers(1, 200))
    def later(self, minutes): self.clock.now += timedelta(minutes=minutes)

    @rule(minutes=st.integers(1, 200))
    def set_back(self, minutes):
        "By less than a day in all, or the schedule no longer believes its own row"
        self.latest = max(self.latest, self.clock())
        self.clock.now = max(self.clock()-timedelta(minutes=minutes), self.latest-timedelta(hours=23))

    @rule(i=which, n=st.integers(0, 2), catch_up=st.sampled_from(['once', 'skip', 'all']))
    def edit(self, i, n, catch_up):
        hourly(self.managers[i], cron=['0 * * * *', '0,30 * * * *', '0 */2 * * *'][n], catch_up=catch_up)

    @rule(i=which)
    def pause_and_resume(self, i):
        self.managers[i].pause_schedule('h')
        self.managers[i].resume_schedule('h')

    @rule(i=which)
    def end_and_prune(self, i):
        manager = self.managers[i]
        self.look()
        for o in manager.list_jobs(): o.status=='pending' and manager.cancel_job(o.id)
        self.clock.advance(1)
        manager.prune(timedelta(0))

    @invariant()
    def look(self):
        for o in self.managers[0].list_jobs(limit=10_000):
            assert self.seen.setdefault(o.tick, o.id)==o.id, f'two jobs for {o.tick}'

    def teardown(self): self.dir.cleanup()

TestSeveralManagers = SeveralManagers.TestCase

def test_threads_with_a_manager_each_make_a_tick_once(path, clock):
    managers = [manager_at(path, clock) for _ in range(4)]
    hourly(managers[0], catch_up='all')
    for _ in range(20):
        clock.advance(hour)
        in_threads(*[(o.tick,) for o in managers])
    assert ticks_of(managers[0])==[noon+i*hour for i in range(1, 21)]

@pytest.mark.slow
def test_workers_that_are_killed(seed=1):
    "Every second of every tenant has one job: three workers, killed before, after and within a tick, and at random"
    def enough(chaos):
        return len(chaos.kills)>8 and all(len(ticks_of(chaos.manager(o), 'beat'))>=5 for o in chaos.names)
    with Chaos(3, seed) as chaos:
        chaos.command = 'schedule_worker',
        work_and_be_killed(chaos, 3, 60, ('before', 'middle', 'after', 'task'), .15, enough)
        for o in chaos.names: chaos.manager(o).pause_schedule('beat')
        chaos.worker()
        chaos.until(chaos.finished)
        figures,wrong = check_ledger(chaos)
        for name in chaos.names:
            ticks = sorted(ticks_of(chaos.manager(name), 'beat'))
            s = chaos.manager(name).get_schedule('beat')
            assert len(ticks)>=5 and parse_time(s.last_at)>=ticks[-1]
            assert ticks==[ticks[0]+timedelta(seconds=i) for i in range(len(ticks))]
    print(figures)
    assert not wrong and figures['kills']>8

# -- outages, clocks, edits

@pytest.mark.parametrize('hours', [1, 5])
def test_a_clock_that_is_set_back_repeats_no_tick(manager, clock, hours):
    "Nor do edits and a resume meanwhile"
    hourly(manager, catch_up='all')
    clock.advance(hours*hour)
    manager.tick()
    clock.now -= timedelta(minutes=90)
    then = noon+(hours+1)*hour
    assert manager.tick()==then
    assert parse_time(hourly(manager, tz='Europe/Berlin', catch_up='all').next_at)==then
    manager.pause_schedule('h')
    assert parse_time(manager.resume_schedule('h').next_at)==then
    assert parse_time(hourly(manager, cron='0,30 * * * *', catch_up='all').next_at)==then-hour/2
    assert parse_time(hourly(manager, catch_up='all').next_at)==then
    for _ in range(9):
        clock.advance(timedelta(minutes=20))
        manager.tick()
    assert ticks_of(manager)==[noon+i*hour for i in range(1, hours+2)]

@pytest.mark.parametrize('how', ['again', 'edit', 'resume', 'declare'])
def test_a_clock_that_was_a_year_ahead(manager, clock, logs, how):
    "One tick is made then; what the app or a user does about the schedule lets it go on"
    hourly(manager)
    if how=='declare': manager.db.execute('UPDATE tenant_schedules SET declared=1')
    clock.now += timedelta(days=365)
    manager.tick()
    clock.now -= timedelta(days=365)
    clock.advance(60)
    for _ in range(2): assert manager.tick()>noon+365*timedelta(days=1)
    assert len(logs('WARNING'))==1 and 'waits until 2027' in logs('WARNING')[0]
    if how=='again': hourly(manager)
    elif how=='edit': hourly(manager, tz='Europe/Berlin')
    elif how=='declare': manager.declare_schedules([manager.get_schedule('h')])
    else:
        manager.pause_schedule('h')
        manager.resume_schedule('h')
    assert parse_time(manager.get_schedule('h').next_at)==noon+hour and 'far ahead of now' in logs('WARNING')[1]
    for _ in range(3):
        clock.advance(hour)
        if how=='again': hourly(manager)
        manager.tick()
    assert ticks_of(manager)[1:]==[noon+i*hour for i in (1, 2, 3)]

def test_a_schedule_that_is_edited_while_due(path, manager, clock):
    "The tick that is due is made once, with the new definition; one that was read before the edit isn't"
    second = manager_at(path, clock)
    hourly(manager, n=1)
    clock.advance(hour)
    read, = second.schedules()
    assert hourly(manager, other, cron='30 * * * *', n=2).next_at==timestamp(noon+hour)
    assert second.store.tick(read, noon+2*hour, [TenantJob(new_id(), 'h', schedule='h')], noon+hour) is None
    assert manager.tick()==noon+1.5*hour
    job, = manager.list_jobs()
    assert (job.task, job.kwargs, job.tick)==('s.other', dict(n=2), timestamp(noon+hour))

async def test_overlap(manager, clock):
    hourly(manager, overlap='skip')
    for _ in range(3):
        clock.advance(hour)
        manager.tick()
    assert ticks_of(manager)==[noon+hour]
    assert manager.run_now('h').id==manager.list_jobs()[0].id
    assert len(await run(manager))==1, 'it does not wait for the next tick, and so on for ever'
    assert manager.next_due()==noon+4*hour and manager.next_due(ticks=False) is None
    clock.advance(hour)
    manager.tick()
    assert ticks_of(manager)==[noon+hour, noon+4*hour]

def test_a_broken_row_stays_and_the_others_go_on(manager, clock, logs):
    hourly(manager)
    for o in ('a', 'z'): manager.schedule(o, note, cron='0 * * * *')
    manager.db.execute("UPDATE tenant_schedules SET cron='every full moon' WHERE name='a'")
    manager.db.execute("UPDATE tenant_schedules SET tz='Mars/Base' WHERE name='z'")
    clock.advance(hour)
    assert manager.tick()==clock()+timedelta(minutes=5)==manager.tick()
    assert [o.paused for o in manager.schedules()]==[0, 0, 0] and len(logs('ERROR'))==2
    assert ticks_of(manager)==[noon+hour]

def test_a_file_of_an_older_version_gains_schedules(path):
    db = database(path)
    for table,cols,new in [('jobs', columns, ['schedule', 'tick']),
        ('schedules', schedule_columns, ['spread', 'delay', 'declared'])]:
        db.execute(f"CREATE TABLE tenant_{table} ({', '.join(v for k,v in cols.items() if k not in new)})")
    db.t.tenant_jobs.insert(dict(id='1', job_type='sync'))
    manager = manager_at(path)
    assert manager.schedules()==[] and manager.get_job('1').tick is None
    assert hourly(manager)==manager.get_schedule('h') and len(db.t.tenant_schedules()[0])==len(schedule_columns)

# -- the worker

async def test_a_tick_wakes_the_worker_on_time(tenants):
    "In a tenant that never had a job, with looks that come too late"
    tenants['acme'].schedule('h', note, every=1, n=7)
    async with working(Worker(tenants, look_every=600)): await until(lambda: len(ran)>=2)
    assert set(ran)=={7}

@pytest.mark.slow
async def test_a_backlog_delays_no_tick_for_long(tenants):
    "A tenant with work for many seconds: the tick is made when the worker maintains the tenant, every five seconds"
    @task(name='s.sleep')
    def sleep(): time.sleep(.02)
    acme = tenants['acme']
    acme.submit_many('sleep', sleep, [{}]*1000)
    acme.schedule('h', note, every=1)
    async with working(Worker(tenants, concurrency=1, per_tenant=1, grace=.1)): await until(lambda: ticks_of(acme))
    assert acme.job_stats()['pending']>100

def declaring(tenants, **kw):
    "A worker that declares one schedule for all tenants, if there are arguments for it"
    res = Worker(tenants, look_every=.05)
    if kw: res.schedule('nightly', note, **{**dict(cron='0 3 * * *'), **kw})
    return res

async def test_declared_for_all_tenants(tenants):
    "New tenants included; a tenant's own schedule stays; what changes or goes away changes or goes"
    acme,names = tenants['acme'],['acme', 'globex', 'initech', 'hooli']
    mine = [acme.schedule(o, note, cron='0 5 * * *') for o in ('own', 'tidy')]
    first = declaring(tenants, tz=lambda o: 'America/New_York' if o=='globex' else 'UTC', n=1)
    first.schedule('tidy', note, cron='0 4 * * *')
    def counts(): return [len(tenants[o].schedules()) for o in names if o in tenants]
    async with working(first):
        await until(lambda: counts()==[3, 2, 2])
        tenants.create('hooli')
        await until(lambda: counts()==[3, 2, 2, 2])
    assert [tenants[o].get_schedule('nightly').tz for o in ('acme', 'globex')]==['UTC', 'America/New_York']
    acme.pause_schedule('nightly')
    async with working(declaring(tenants, cron='30 3 * * *', n=2)):
        await until(lambda: counts()==[3, 1, 1, 1] and acme.get_schedule('nightly').payload=='{"n": 2}')
    assert tenants['hooli'].get_schedule('nightly').next_at==timestamp(next_tick('30 3 * * *', 'UTC', utcnow()))
    assert acme.get_schedule('nightly').paused
    acme.db.execute("UPDATE tenant_schedules SET task='elsewhere' WHERE name='nightly'")
    async with working(declaring(tenants)): await until(lambda: counts()==[3, 0, 0, 0])
    assert [o.name for o in acme.schedules() if o not in mine]==['nightly'], 'a stranger to its task removes nothing'

async def test_the_same_declaration_keeps_its_tick(tenants):
    acme,kw = tenants['acme'],dict(cron=None, every=3600, spread=600)
    async with working(declaring(tenants, **kw)): await until(acme.schedules)
    before = acme.schedules()
    async with working(declaring(tenants, **kw)):
        acme.submit('note', note)
        await until(lambda: ran)
    assert acme.schedules()==before and 0<before[0].delay<600

# -- a user moves; a schedule is handed back

@pytest.fixture
def nightly(tmp_path, clock):
    "Look at a tenant as a worker that declares a nightly schedule in a time zone: the tenant's manager"
    tenants = Tenants(tmp_path, clock=clock)
    lookout = Lookout(tenants, lambda *args: None, lambda name,e: pytest.fail(repr(e)), process=Process())
    clock.now,acme = noon,tenants.create('acme')
    def look(zone='UTC', at=None, starts=False):
        if at: clock.now = parse_time(at)
        lookout.declared = dict(nightly=(new_schedule('nightly', note, {}, cron='0 3 * * *', overlap='allow'), zone))
        if starts: lookout.synced = {}
        lookout.look_at(['acme'])
        return acme
    return look

def test_a_user_moves(nightly, logs):
    "The zone is asked at each tick, for the next one; a function that fails, or gives what is no zone, changes nothing"
    at,nights = None,[]
    for zone in ('Europe/Berlin', 'America/New_York', None, 'Atlantis', 'Asia/Tokyo'):
        at = nightly(lambda name: zone, at).get_schedule('nightly').next_at
        nights.append(at[5:13])
    acme = nightly(lambda name: 1/0, at)
    assert nights==['11-24T02', '11-24T08', '11-25T08', '11-26T08', '11-26T18']
    assert [o.tick[5:13] for o in reversed(acme.list_jobs())]==nights
    assert acme.get_schedule('nightly').tz=='Asia/Tokyo' and len(logs('ERROR'))==1

def test_a_zone_that_fails_at_a_start_stops_no_schedule(nightly, logs):
    nightly('Europe/Berlin')
    at = nightly(lambda name: 1/0, starts=True).get_schedule('nightly').next_at
    assert nightly(lambda name: 1/0, at).list_jobs() and len(logs('ERROR'))==1

def test_handed_back_when_asked_and_not_before(nightly):
    "What the tenant has changed or deleted stays so; what no worker declares is gone, and may be made anew"
    acme = nightly()
    own = acme.schedule('nightly', note, cron='0 5 * * *')
    assert nightly().schedules()==[own]
    for change in (lambda: acme.pause_schedule('nightly'), lambda: acme.unschedule('nightly')):
        change()
        assert [o.paused for o in nightly().schedules()] in ([1], [])
        acme.redeclare('nightly')
        assert acme.schedules()==[] and nightly().get_schedule('nightly').cron=='0 3 * * *'
        before = acme.schedules()
        acme.redeclare('nightly')
        assert acme.schedules()==before==nightly().schedules() and not before[0].paused
    acme.redeclare('other')
    assert nightly().schedules()==before and acme.schedule('other', note, every=60)==acme.get_schedule('other')
    assert acme.db.q('SELECT count(*) n FROM tenant_schedules')==[dict(n=2)]

def test_handed_back_to_a_worker_in_another_process(tmp_path):
    "By the command in all tenants that have it and, where it was deleted, in the one that is named"
    tenants = Tenants(tmp_path)
    acme,globex = (tenants.create(o) for o in ('acme', 'globex'))
    proc = program('schedule_worker', tmp_path, LEDGER=tmp_path/'ledger')
    def are_declared(): return all([(o.every, o.declared) for o in m.schedules()]==[(1, 1)] for m in (acme, globex))
    def hand_back(*args): return command('schedules', tmp_path, '--redeclare', 'beat', *args)
    try:
        wait_until(are_declared)
        acme.schedule('beat', note, cron='0 3 1 1 *')
        assert 'tenants: 2' in hand_back().out
        wait_until(are_declared)
        acme.unschedule('beat')
        assert 'tenants: 1' in hand_back().out and not acme.schedules()
        assert hand_back('--tenant', 'acme').code==0
        wait_until(are_declared)
    finally: end(proc)
