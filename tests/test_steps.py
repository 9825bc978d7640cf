"Steps, checkpoints, transactions and atomic tasks: what is there afterwards, in one process"
import asyncio,os
from contextlib import suppress
from datetime import timedelta
from threading import Event

import apsw,pytest
from fastlite import database
from helpers import Call,boom,command,data,manager_at,unstopped,write_lock
from hypothesis import HealthCheck,settings,strategies as st
from hypothesis.stateful import RuleBasedStateMachine,invariant,rule

from tenant_tasks import BackgroundTaskManager,BadPayload,Cancel,Snooze,current_job,task
from tenant_tasks.db import memory
from tenant_tasks.jobs.job import max_json,utcnow
from tenant_tasks.run.attempt import begin,finish
from tenant_tasks.run.process import Process

class Undone(Exception): pass

effects = 'CREATE TABLE effects (what)'
def add(db, what): db.execute('INSERT INTO effects VALUES (?)', (what,))
def done(manager): return [o for o, in manager.store.read('SELECT what FROM effects ORDER BY rowid')]
def names(manager, job_id): return [o.name for o in manager.steps_of(job_id)]

@pytest.fixture
def on_file(path):
    "A manager of a database with a table of effects"
    res = manager_at(path)
    res.db.execute(effects)
    return res

@pytest.fixture(params=['file', 'memory'])
def manager(request):
    if request.param=='file': return request.getfixturevalue('on_file')
    res = BackgroundTaskManager(database(':memory:'))
    res.db.execute(effects)
    return res

def attempt(manager, f, retries=3, **kw):
    "Submit a job and attempt it once: its row, and the attempt"
    job_id,_ = manager.submit('steps', f, retries, **kw)
    return again(manager, job_id)

def again(manager, job_id):
    a = asyncio.run(go(manager, job_id))
    return manager.get_job(job_id),a

async def go(manager, job_id):
    a = begin(lambda: manager.claim(job_id))
    await finish(a)
    return a

def soon(manager, job):
    "Let a job that failed be attempted now"
    manager.reschedule_job(job.id, run_at=utcnow()-timedelta(days=1))
    return again(manager, job.id)[0]

def inside(manager, f):
    "What `f` returned or raised in the task of a job, called with its attempt"
    res = []
    def call():
        try: res.append(f(current_job()))
        except BaseException as e:
            res.append(e)
            raise
    job,a = attempt(manager, call)
    return job,res[0]

# -- steps

values = (1, None, 'ä'),None,0,False,'',[],{},'x'*(max_json-2)

@pytest.mark.parametrize('value', values, ids=lambda o: repr(o)[:9])
def test_a_step_is_called_once(manager, value):
    "Whatever it returns, which is decoded on the first run as well"
    calls,got = [],[]
    def f():
        got.append(current_job().step('fetch', lambda n: calls.append(n) or value, 7))
        if current_job().attempt<3: raise OSError
    job,_ = attempt(manager, f)
    while job.status=='pending': job = soon(manager, job)
    expected = list(value) if isinstance(value, tuple) else value
    assert (job.status, calls, got)==('completed', [7], [expected]*3)
    step, = manager.steps_of(job.id)
    assert step.kind=='step' and step.value==expected and len(step.at)==32

def both(name, value=1):
    "A step and a checkpoint with a name and a value"
    return lambda job: job.step(name, lambda: value),lambda job: job.checkpoint(name, value)

mistakes = [(o, ValueError, f"`name` must be a string that isn't blank, got {name!r}")
    for name in ('', ' ', None, 3) for o in (*both(name), lambda job, name=name: job.checkpoint(name))]
mistakes += [(o, BadPayload, f"the value of {kind} 'big' must be ")
    for value in ({1, 2}, float('nan'), {1: 'a'}, 'x'*max_json, object())
    for kind,o in zip(('step', 'checkpoint'), both('big', value))]

@pytest.mark.parametrize('use,error,says', mistakes)
def test_a_mistake_is_told_and_nothing_is_written(manager, use, error, says):
    "No attempt repeats a call whose value doesn't fit"
    job,e = inside(manager, use)
    assert type(e) is error and says in str(e) and names(manager, job.id)==[]
    if error is BadPayload: assert (job.status, job.retry_count)==('failed', 1)

def test_steps_side_by_side(manager):
    "In `gather`, one of which fails: the others are kept, and the next attempt calls only what is missing"
    calls = []
    async def page(n):
        calls.append(n)
        await asyncio.sleep(.001*(5-n))
        if n==2 and len(calls)<=5: raise OSError('no route')
        return n*10
    async def f():
        job = current_job()
        steps = [job.step(f'page {n}', page, n) for n in range(5)]
        with pytest.raises(ValueError, match="once in an attempt, got 'page 0' again"): job.step('page 0', page, 0)
        res = await asyncio.gather(*steps, return_exceptions=True)
        for o in res:
            if isinstance(o, Exception): raise o
        return res
    job,_ = attempt(manager, f)
    assert job.status=='pending' and sorted(names(manager, job.id))==[f'page {o}' for o in (0, 1, 3, 4)]
    job = soon(manager, job)
    assert job.value==[0, 10, 20, 30, 40] and calls[5:]==[2]

async def nothing(): return 1

async def mark(job):
    async with job.transaction(): job.checkpoint('a', 1)

@pytest.mark.parametrize('use', [lambda job: job.step('a', nothing), mark], ids=['step', 'checkpoint'])
def test_an_async_task_leaves_the_loop_alone(on_file, path, use):
    "Another process has the lock while a step is written, or a checkpoint in a transaction: the loop goes on"
    async def f():
        with write_lock(path) as release:
            async with unstopped(.25):
                step = asyncio.ensure_future(use(current_job()))
                await asyncio.sleep(.3)
                assert not step.done()
                await asyncio.to_thread(release)
                await step
    job,_ = attempt(on_file, f)
    assert job.status=='completed', job.error_log

def test_a_locked_file(on_file, path, monkeypatch):
    "The step waits as long as a caller does; then the attempt fails, and the next one calls again"
    monkeypatch.setattr(memory, '_on_its_own', memory._on_its_own._replace(patience=.1))
    calls,hold = [],[True]
    def f():
        if not hold: return current_job().step('a', lambda: calls.append(1) or 1)
        with write_lock(path): current_job().step('a', lambda: calls.append(1) or 1)
    job,a = attempt(on_file, f)
    assert a.outcome.kind is apsw.BusyError and job.status=='pending' and names(on_file, job.id)==[]
    hold.clear()
    assert soon(on_file, job).status=='completed' and calls==[1, 1]

def test_a_full_disk(on_file):
    "In a transaction and outside of one: all of it is undone, then the job goes on"
    full = [True]
    def f():
        job = current_job()
        def limit(conn): conn.pragma('max_page_count', conn.pragma('page_count')+2 if full else 10**6)
        with job.transaction() as db: limit(db.conn)
        with job.transaction() as db:
            add(db, 'a')
            job.checkpoint('a', 1)
            add(db, 'x'*200_000)
    job,a = attempt(on_file, f)
    assert a.outcome.kind is apsw.FullError and job.status=='pending' and done(on_file)==names(on_file, job.id)==[]
    full.clear()
    job = soon(on_file, job)
    assert job.status=='completed' and len(done(on_file))==2 and names(on_file, job.id)==['a']

# -- who has lost the job

def take_over(manager, job):
    "As a process does that finds the owner dead"
    assert manager.store.settle(job.job, 'rescue', utcnow())

def fill(job):
    with job.transaction() as db: add(db, 'a')

uses = dict(step=lambda job: job.step('a', int), checkpoint=lambda job: job.checkpoint('b', 1), transaction=fill)

@pytest.mark.parametrize('to', ['pending', 'cancelled', 'running', 'asked'])
def test_the_claim_is_checked_before_the_commit(manager, to):
    "Even if it is lost inside of the transaction; and `check` sees there that a user asked the job to stop"
    def f(job):
        if to=='asked': manager.cancel_job(job.id)
        with job.transaction() as db:
            add(db, 'a')
            job.progress(.1)
            if to=='asked': job.check()
            claim = "'other'" if to=='running' else 'claim'
            db.execute(f"UPDATE tenant_jobs SET status='{to}', claim={claim} WHERE id=?", (job.id,))
    job,e = inside(manager, f)
    # The attempt itself has its claim again, and so it is cancelled
    assert isinstance(e, Cancel) and done(manager)==[] and job.status=='cancelled'

def test_async_steps_of_who_lost_the_job(manager):
    async def f():
        take_over(manager, current_job())
        await current_job().step('a', nothing)
    job,a = attempt(manager, f)
    assert isinstance(a.outcome, Cancel) and names(manager, job.id)==[] and job.status=='pending'

# -- transactions

def test_all_or_nothing(manager):
    def f(job, fail):
        with job.transaction() as db:
            add(db, 'a')
            job.checkpoint('n', 1)
            job.step('s', int)
            manager.submit('child', print)
            job.progress(.5, 'half')
            job.check()
            assert manager.get_job(job.id).progress==.5
            assert job.db is db and job.checkpoint('n')==1 and len(manager.list_jobs('child'))==1
            if fail: raise Undone
    job,e = inside(manager, lambda job: f(job, True))
    assert isinstance(e, Undone) and done(manager)==names(manager, job.id)==manager.list_jobs('child')==[]
    job,_ = inside(manager, lambda job: f(job, False))
    assert (job.status, job.progress, job.progress_note)==('completed', .5, 'half') and done(manager)==['a']
    assert names(manager, job.id)==['n', 's'] and len(manager.list_jobs('child'))==1

def test_a_name_is_used_once_unless_it_was_undone(manager):
    "By its step, which raised, or by its transaction; and it is that of a step or of a checkpoint"
    calls = []
    def f(job):
        with pytest.raises(OSError): job.step('before', boom)
        job.step('before', int)
        job.checkpoint('at', 1)
        for fail in (True, False):
            with suppress(Undone), job.transaction():
                with suppress(Undone), job.transaction():
                    job.step('inner', lambda: calls.append('inner'))
                    if fail: raise Undone
                job.step('outer', lambda: calls.append('outer'))
                if fail: raise Undone
        for o in ('before', 'inner'):
            with pytest.raises(ValueError, match=f"got '{o}' again"): job.step(o, int)
        for use,o in ((both('at')[0], 'at'), (both('before')[1], 'before')):
            with pytest.raises(ValueError, match=f"that of one step or one checkpoint, got '{o}'"): use(job)
    job,e = inside(manager, f)
    assert e is None and calls==['inner', 'outer']*2
    assert sorted(names(manager, job.id))==['at', 'before', 'inner', 'outer']

def test_it_joins_no_transaction_of_the_app(on_file):
    "A rollback on the app's own connection, which another thread uses, undoes nothing of a job"
    ready,go_on = Event(),Event()
    def app():
        on_file.db.execute('BEGIN') # Without a lock: it has only read
        list(on_file.db.execute('SELECT * FROM effects'))
        ready.set()
        go_on.wait(10)
        on_file.db.execute('ROLLBACK')
    job_id,_ = on_file.submit('steps', lambda: [o(current_job()) for o in uses.values()] and None)
    call = Call(app)
    assert ready.wait(10)
    asyncio.run(go(on_file, job_id))
    go_on.set()
    call.answer()
    job = on_file.get_job(job_id)
    assert job.status=='completed' and done(on_file)==['a'] and names(on_file, job.id)==['a', 'b']

def test_begun_or_ended_by_hand(on_file):
    "A job that would wait for itself hears it at once, and nothing is written where the transaction was"
    def f(job):
        job.db.execute('BEGIN IMMEDIATE')
        for o in uses.values():
            with pytest.raises(RuntimeError, match='must be begun with current_job.*got one begun by hand'): o(job)
        job.db.execute('ROLLBACK')
        with job.transaction() as db:
            db.execute('ROLLBACK') # As SQLite does it when the disk is full
            job.checkpoint('a', 1)
    job,e = inside(on_file, f)
    assert isinstance(e, RuntimeError) and 'it has ended' in str(e) and done(on_file)==names(on_file, job.id)==[]

def test_async_transactions(manager):
    "Four tasks of a job, whose transactions take turns at each `await`; steps called inside belong to them"
    async def double(n):
        await asyncio.sleep(.001)
        return n*2
    async def part(job, n):
        async with job.transaction() as db:
            add(db, n)
            a,b = await asyncio.gather(*[job.step(f'{n}{o}', double, n) for o in 'ab'])
            add(db, a+b)
            job.checkpoint('last', n)
            if n==2: raise Undone
    async def f():
        res = await asyncio.gather(*[part(current_job(), n) for n in range(4)], return_exceptions=True)
        return [type(o).__name__ for o in res]
    job,_ = attempt(manager, f)
    assert job.value==['NoneType', 'NoneType', 'Undone', 'NoneType'], job.error_log
    assert done(manager)==[0, 0, 1, 4, 3, 12]
    assert sorted(names(manager, job.id))==['0a', '0b', '1a', '1b', '3a', '3b', 'last']

def test_a_step_that_outlives_its_transaction(manager):
    "It belongs to the transaction in which it was called, so it can't be written later"
    async def nap(): await asyncio.sleep(.02)
    async def f():
        async with current_job().transaction(): late = asyncio.ensure_future(current_job().step('late', nap))
        await late
    job,a = attempt(manager, f)
    assert a.outcome.kind is RuntimeError and 'it has ended' in str(a.outcome) and names(manager, job.id)==[]

# -- atomic tasks

@task(name='steps.atomic', atomic=True, backoff=lambda n: .001)
def atomic(how='', n=1):
    job = current_job()
    for i in range(n): add(job.db, i)
    job.progress(.5)
    job.checkpoint('n', n)
    if how=='fails': raise OSError('no route')
    if how=='snoozes': raise Snooze(60)
    if how=='cancels': raise Cancel('no need')
    if how=='loses': job.db.execute("UPDATE tenant_jobs SET claim='other' WHERE id=?", (job.id,))
    if how=='awaits': return asyncio.sleep(0)
    return dict(n=n)

def test_effects_result_and_completion_are_one_commit(on_file):
    "If it fails, so does the attempt; the next one completes"
    commits = []
    with on_file.transaction() as db: pass
    db.conn.set_commit_hook(lambda: commits.append(1) or len(commits)==1)
    job,a = attempt(on_file, atomic, n=3)
    assert a.outcome.kind is apsw.ConstraintError and done(on_file)==names(on_file, job.id)==[]
    assert (job.status, job.retry_count)==('pending', 1)
    job = soon(on_file, job)
    assert commits==[1, 1] and done(on_file)==[0, 1, 2] and names(on_file, job.id)==['n']
    assert (job.status, job.value, job.progress, job.claim)==('completed', dict(n=3), .5, None)
    assert not on_file.process.claims

@pytest.mark.parametrize('how,status,count', [('fails', 'pending', 1), ('snoozes', 'pending', 0),
    ('cancels', 'cancelled', 0), ('loses', 'cancelled', 0), ('awaits', 'pending', 1)])
def test_an_atomic_task_that_does_not_return(manager, how, status, count):
    "Everything is rolled back; the outcome is settled as any other"
    job,_ = attempt(manager, atomic, how=how)
    assert (job.status, job.retry_count)==(status, count) and done(manager)==names(manager, job.id)==[]

# -- deaths, retries, prune

def die(path, progress):
    "A process that has the job dies, with or without progress; another one finds it"
    dead,look = Process(),manager_at(path)
    a = manager_at(path, process=dead).claim(look.list_jobs('steps')[0].id)
    if progress: a.checkpoint('n', (a.checkpoint('n') or 0)+1)
    while dead.locks: os.close(dead.locks.popitem()[1])
    job, = look.rescue()
    return job

def test_a_death_after_progress_spends_no_attempt(on_file, path):
    on_file.submit('steps', atomic, 2)
    jobs = [die(path, o) for o in (True, True, False, True, False)]
    assert [(o.status, o.retry_count, o.deaths) for o in jobs[:4]]==[
        ('pending', 0, 1), ('pending', 0, 2), ('pending', 1, 2), ('pending', 1, 3)]
    assert 'after new steps or checkpoints' in jobs[0].errors[0]['error'] and jobs[4].status=='failed'
    job = on_file.retry_job(jobs[4].id)
    assert (job.retry_count, job.deaths, job.status)==(0, 0, 'pending') and on_file.steps_of(job.id)[0].value==3

def test_prune_takes_the_steps_along(manager):
    "Those of the jobs that it deletes, in the same transaction, and no others, while a job runs"
    old = inside(manager, lambda job: job.step('a', int))[0].id
    def f(job):
        job.step('b', int)
        with suppress(Undone), manager.transaction():
            assert manager.prune(timedelta(0))==1
            raise Undone
        assert names(manager, old)==['a'] and manager.prune(timedelta(0))==1
    job,e = inside(manager, f)
    assert e is None and manager.store.read('SELECT job_id, name FROM tenant_steps')==[(job.id, 'b')]

# -- pages, the command

def test_the_command_shows_and_forgets_steps(on_file, path):
    def f(job):
        job.checkpoint('rows', 4200)
        job.step('a\x1b[31m', int)
        raise Cancel('enough')
    job,_ = inside(on_file, f)
    on_file.store.write(lambda conn: conn.execute("UPDATE tenant_jobs SET task='steps.atomic'"))
    out,step = command('show', path, job.id).out,data('show', path, job.id)['steps'][0]
    assert 'checkpoint' in out and 'rows: 4200' in out and '\x1b' not in out
    assert (step['name'], step['kind'], step['value'])==('rows', 'checkpoint', 4200)
    for args,left in (((), 2), (('--restart',), 0)):
        assert command('retry', path, job.id, *args).code==0 and len(names(on_file, job.id))==left
        on_file.cancel_job(job.id)

# -- any order of steps, failures, deaths and retries

class Machine(RuleBasedStateMachine):
    "One job and a model of what it has finished; each rule is an attempt that ends in another way"
    def __init__(self):
        super().__init__()
        self.manager = BackgroundTaskManager(database(':memory:'))
        self.manager.db.execute(effects)
        self.model,self.effects,self.calls,self.todo = {},[],[],[]
        self.job_id,_ = self.manager.submit('steps', self.run, 10**6)

    def run(self):
        job = current_job()
        assert job.checkpoint('at')==self.model.get('at')
        for what,*args in self.todo: getattr(self, 'do_'+what)(job, *args)

    def do_step(self, job, fails, name):
        if name in job.names: return
        def call():
            assert name not in self.model
            if fails: raise Undone
            self.calls.append(name)
            return len(self.calls)
        with suppress(Undone): assert job.step(name, call)==self.model.setdefault(name, len(self.calls))

    def do_transaction(self, job, commits, name):
        before = dict(self.model),list(self.effects)
        with suppress(Undone), job.transaction() as db:
            add(db, len(self.effects))
            self.effects.append(len(self.effects))
            self.do_step(job, False, name)
            job.checkpoint('at', len(self.effects))
            self.model['at'] = len(self.effects)
            if not commits: raise Undone
        if not commits: self.model,self.effects = before

    def do_lose(self, job):
        take_over(self.manager, job)
        for o in (lambda: job.checkpoint('at', -1), lambda: job.step('lost', int), lambda: fill(job)):
            with pytest.raises(Cancel): o()
        raise Cancel

    def do_end(self, job, how): raise dict(fail=OSError(), snooze=Snooze(1), exit=SystemExit(), cancel=Cancel())[how]

    ops = st.tuples(st.sampled_from(['step', 'transaction']), st.booleans(), st.sampled_from('abcd'))
    last = st.tuples(st.just('end'), st.sampled_from(['fail', 'snooze', 'exit', 'cancel'])) | st.just(('lose',))

    @rule(todo=st.lists(ops, max_size=6), last=last, restart=st.booleans())
    def attempt(self, todo, last, restart):
        self.todo = [*todo, last]
        if self.manager.get_job(self.job_id).status=='cancelled':
            self.manager.retry_job(self.job_id, restart=restart)
            if restart: self.model = {}
        self.manager.reschedule_job(self.job_id, run_at=utcnow()-timedelta(days=1))
        a = begin(lambda: self.manager.claim(self.job_id))
        if not a.done: a.settle()
        assert getattr(a.outcome, 'kind', None) is not AssertionError, a.outcome

    @invariant()
    def all_is_as_the_model_says(self):
        assert {o.name:o.value for o in self.manager.steps_of(self.job_id)}==self.model
        assert done(self.manager)==self.effects

TestMachine = Machine.TestCase
TestMachine.settings = settings(suppress_health_check=list(HealthCheck))
