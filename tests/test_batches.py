"One job follows a batch, once all others have ended: however they end, over kills, retries and prunes"
from collections import Counter
from datetime import timedelta

import pytest
from chaos import Chaos,check_ledger,executions,work_and_be_killed
from fasthtml.common import fast_app
from fastlite import database
from helpers import Look,command,data,in_threads,manager_at,running_row,until,working
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine,invariant,rule
from starlette.background import BackgroundTasks
from starlette.testclient import TestClient

from tenant_tasks import Cancel,JobStateError,TenantJob,Tenants,Worker,current_job,jobs_ui,statuses,task
from tenant_tasks.db.queue import glance
from tenant_tasks.db.store import JobStore
from tenant_tasks.jobs.job import final_statuses,live_statuses,never,new_id,timestamp
from tenant_tasks.manager import manage as matching
from tenant_tasks.testing import Clock,run

told = []

@task(name='b.page', backoff=lambda n: 0)
def page(how='completed'):
    if how=='cancelled': raise Cancel('no such page')
    if how=='failed': raise OSError('no route to host')

@task(name='b.apage', backoff=lambda n: 0)
async def apage(how='completed'): page(how)

@task(name='b.tell', backoff=lambda n: 0)
def tell(user='ann'):
    told.append(current_job().batch)
    return user

@pytest.fixture(autouse=True)
def fresh(): told.clear()

def submit(manager, hows, func=page, **kw):
    return manager.submit_many('page', func, [dict(how=o) for o in hows], then=tell, **kw)
def counts(**kw): return {**dict.fromkeys(statuses, 0), **kw}
def wait_of(manager, batch): return manager.get_job(batch).run_at==never

# -- it follows, however they end

@pytest.mark.parametrize('func', [page, apage])
@pytest.mark.parametrize('hows', [['completed'], ['failed'], ['cancelled'], [*final_statuses]*3])
async def test_it_runs_once_when_all_have_ended(manager, hows, func):
    subs = submit(manager, hows, func, then_kwargs=dict(user='bob'))
    for _ in range(2): await manager.drain()
    seen, = told
    assert seen.id==subs.batch and seen.counts==counts(**{o:hows.count(o) for o in hows})
    assert seen.failed==[i for (i,_),o in zip(subs, hows) if o=='failed'] and seen.ended==seen.total==len(hows)
    assert manager.get_job(subs.batch).value=='bob'

async def test_ends_that_no_process_ran(path):
    "A process died in the last attempt of one job, and had the function of another one alone: `rescue` ends both"
    manager,gone,look = manager_at(path),'elsewhere~other~1~abcd',Look(path)
    subs = submit(manager, ['completed'])
    running_row(manager, gone, -timedelta(seconds=1), batch=subs.batch, max_retries=1)
    manager.store.submit([TenantJob(new_id(), 'page', owner=gone, function='gone', batch=subs.batch)])
    assert await manager.drain()==1 and wait_of(manager, subs.batch)
    assert len(set().union(*look.at_intervals(6)))==2 and not wait_of(manager, subs.batch)
    await manager.drain()
    assert [o.counts for o in told]==[counts(completed=1, failed=2)]

async def test_a_retry_after_it_has_run(manager):
    subs = submit(manager, ['failed', 'completed'])
    await manager.drain()
    manager.retry_job(subs[0][0])
    assert await manager.drain()==3 and len(told)==1
    manager.db.execute("UPDATE tenant_jobs SET status='failed' WHERE id=?", (subs.batch,))
    manager.retry_job(subs.batch)
    await manager.drain()
    assert len(told)==2 and told[1].counts==counts(completed=1, failed=1)

async def test_it_fails_and_is_tried_again_as_any_job(manager, clock):
    "Its waits are not cut short by a job that is retried and ends meanwhile"
    tries = []
    @task(name='b.stumble', backoff=lambda n: 60)
    def stumble():
        tries.append(clock())
        if len(tries)<3: raise OSError('mail server is down')
    subs = manager.submit_many('page', page, [dict(how='failed')], then=stumble)
    await manager.drain()
    clock.advance(30)
    manager.retry_job(subs[0][0])
    await manager.drain()
    assert len(tries)==1 and manager.get_job(subs.batch).retry_count==1
    await run(manager)
    assert len(tries)==3 and (tries[1]-tries[0]).total_seconds()==60
    manager.db.execute("UPDATE tenant_jobs SET status='failed' WHERE id=?", (subs.batch,))
    known = manager.get_batch(subs.batch)
    assert known.failed==[subs[0][0]] and known.counts==counts(failed=1), 'it is none of the failed itself'

def test_it_cannot_be_rescheduled_while_it_waits(manager):
    subs = submit(manager, ['completed'])
    with pytest.raises(JobStateError, match='must not wait for its batch'): manager.reschedule_job(subs.batch, delay=1)
    manager.cancel_job(subs[0][0])
    assert manager.reschedule_job(subs.batch, delay=60).run_at!=never

# -- the follower failed too

down = []

@task(name='again.member', max_retries=1)
def member():
    if down: raise OSError('no route to host')

@task(name='again.report', max_retries=1)
def report(): member()

@pytest.fixture
async def failed(manager, clock):
    down.append(1)
    manager.submit_many('member', member, [{}]*3, then=report)
    await run(manager)
    down.clear()
    clock.advance(1)
    assert len(manager.list_jobs(status='failed'))==4
    return manager

@pytest.mark.parametrize('step', [None, 1, -1], ids=['matching', 'one by one', 'from the first'])
async def test_the_follower_that_failed_waits_for_the_others_again(failed, step):
    if step is None: failed.retry_matching()
    for o in failed.list_jobs(status='failed')[::step]: failed.retry_job(o.id)
    claimed = [*iter(failed.claim, None)]
    assert [a.job.task for a in claimed]==['again.member']*3
    follower, = failed.list_jobs(status='pending')
    assert (follower.id, follower.run_at)==(follower.batch, never)
    for a in claimed: a.release()
    assert [o.status for o in await run(failed)]==['completed']*4

async def test_a_follower_that_is_retried_alone_runs_at_once(failed):
    failed.retry_job(failed.list_jobs(status='failed')[0].batch)
    assert failed.claim().job.task=='again.report'

@pytest.mark.parametrize('most', [1, 500])
async def test_many_jobs_are_retried_in_portions(failed, monkeypatch, most):
    "By a job, or at once: between two portions another process could start the follower, so it comes last"
    ids,portions,act = [],[],matching._act
    def noted(manager, how, some, **kw):
        portions.append(some)
        ids.extend(some)
        return act(manager, how, some, **kw)
    for k,v in dict(_portion=2, at_once=most, _act=noted).items(): monkeypatch.setattr(matching, k, v)
    batch = failed.list_jobs(status='failed')[0].batch
    if (acted := failed.retry_matching()).job_id: await acted.bg_task()
    assert ids[-1]==batch and len(portions)>1

# -- what a submit says

def test_options_are_those_of_the_others(manager):
    subs = submit(manager.using(delay=60, priority=7), ['completed'], max_retries=1)
    job,f = manager.get_job(subs[0][0]),manager.get_job(subs.batch)
    assert job.run_at not in ('', never) and f.run_at==never and job.priority==f.priority==7
    assert (job.max_retries, f.max_retries)==(1, 3)

async def test_run_and_workers_do_not_wait_for_what_never_comes(manager):
    "A job here belongs to another process, so its batch stays open"
    subs = submit(manager, ['completed'])
    manager.db.execute("UPDATE tenant_jobs SET task='elsewhere' WHERE id=?", (subs[0][0],))
    assert await run(manager)==[] and manager.next_due() is None
    assert glance(manager.store.link, 'p', ['b.tell'], manager.clock()).next_due is None

# -- at the same moment

def test_two_last_ones_at_the_same_moment(path):
    "Each on a connection of its own, so that SQLite alone puts them in order"
    stores = [JobStore(database(path)) for _ in range(3)]
    manager = manager_at(path)
    for _ in range(40):
        subs = submit(manager, ['completed']*3)
        jobs = [o.claim(i, 'p', manager.clock()) for o,(i,_) in zip(stores, subs)]
        ends = ['complete', 'fail', 'cancel']
        rows = in_threads(*[(lambda s, j, m: s.settle(j, m, manager.clock()), *o) for o in zip(stores, jobs, ends)])
        assert {o.status for o in rows}=={*final_statuses} and not wait_of(manager, subs.batch)
        runs = in_threads(*[(lambda s: s.claim(subs.batch, 'p', manager.clock()),)+(o,) for o in stores])
        assert len([o for o in runs if o])==1

class Ends(RuleBasedStateMachine):
    "Jobs of two batches end, are cancelled, released, retried, pruned; the follower is due exactly when all have ended"
    def __init__(self):
        super().__init__()
        self.clock = Clock()
        self.manager = manager_at(':memory:', self.clock)
        self.batches = [submit(self.manager, ['completed']*n) for n in (1, 3)]
        self.ids = [o for b in self.batches for o in (*[i for i,_ in b], b.batch)]
        self.held = {}

    which = st.integers(0, 5)
    def job(self, i): return self.manager.store.get(self.ids[i])

    @rule(i=which)
    def claim(self, i):
        if not (job := self.job(i)): return
        row = self.manager.store.claim(job.id, 'p', self.clock())
        if row: self.held[job.id] = row
        if row and row.batch==row.id and job.started_at is None: assert not self.live(row.batch)

    @rule(i=which, move=st.sampled_from(['complete', 'fail', 'cancel', 'retry', 'release', 'snooze']))
    def settle(self, i, move):
        row = self.held.pop(self.ids[i], None)
        again = dict(run_at=timestamp(self.clock())) if move in ('retry','snooze') else {}
        if row: self.manager.store.settle(row, move, self.clock(), **again)

    @rule(i=which)
    def cancel(self, i): self.manager.store.cancel(self.ids[i], self.clock())

    @rule(i=which)
    def reset(self, i): self.manager.store.reset(self.ids[i], self.clock())

    @rule(i=which)
    def abandon(self, i): (job := self.job(i)) and self.manager.store.abandon(job, self.clock(), 'lost')

    @rule(i=which)
    def reschedule(self, i): self.manager.store.reschedule(self.ids[i], self.clock())

    @rule()
    def prune(self):
        before = {o.id:o for o in self.manager.list_jobs()}
        self.clock.advance(1)
        self.manager.prune(timedelta(0))
        after = {o.id for o in self.manager.list_jobs()}
        for o in before.values():
            f = before.get(o.batch)
            wanted = o.status in live_statuses or bool(f and f.id!=o.id and f.status in live_statuses)
            assert (o.id in after) is wanted

    def members(self, batch): return [o for o in self.manager.list_jobs() if o.batch==batch and o.id!=batch]
    def live(self, batch): return [o for o in self.members(batch) if o.status in live_statuses]

    @invariant()
    def it_waits_as_long_as_one_is_live(self):
        for o in self.manager.list_jobs():
            if o.id!=o.batch or o.status!='pending' or o.started_at: continue
            assert (o.run_at==never) is bool(self.live(o.batch)), (o.run_at, self.live(o.batch))
        for b in self.batches:
            known = self.manager.store.batch(b.batch)
            if known: assert known.counts==counts(**Counter(o.status for o in self.members(b.batch)))

TestEnds = Ends.TestCase

# -- processes

async def test_a_worker_runs_it(tmp_path):
    tenants = Tenants(tmp_path)
    manager = tenants.create('acme')
    async with working(Worker(tenants, look_every=.05)):
        sizes = {submit(manager, ['completed', 'failed']*n, f).batch:2*n for n,f in ((5, page), (5, apage), (0, page))}
        await until(lambda: len(told)==3)
        held = submit(manager.using(delay=600), ['completed'])
        manager.cancel_job(held[0][0])
        await until(lambda: len(told)==4)
    assert {o.id:o.total for o in told}=={**sizes, held.batch:1}

@pytest.mark.parametrize('func,size', [(page, 4), (apage, 4), (page, 0)])
@pytest.mark.parametrize('one_by_one', [False, True])
async def test_an_app_without_a_worker(manager, func, size, one_by_one):
    "The background task of the whole batch runs the follower too, and so do those of its jobs"
    subs = submit(manager, [*['failed']*(size>0), *['completed']*(size-1)], func)
    await (BackgroundTasks([o for _,o in subs]) if one_by_one and size else subs.bg_task)()
    assert [o.counts for o in told]==[counts(completed=size-1, failed=1) if size else counts()]

@pytest.mark.slow
def test_kills():
    "Of each batch one follower runs, after all others have ended, and again only if its own process died"
    with Chaos(3, seed=1) as chaos:
        chaos.command = 'batches','work'
        for o in chaos.names:
            chaos.reap(chaos.start('batches', 'submit', o, 15, KILL_POINT='between', CHANCE=.05), 'between')
        work_and_be_killed(chaos, 3, 60, ['between', 'written', 'settled', 'task'], .04)
        figures,wrong = check_ledger(chaos)
        runs,jobs = executions(chaos),chaos.jobs()
        followers = [o for o in jobs.values() if o.batch==o.id]
        for f in followers:
            members = [o for o in jobs.values() if o.batch==f.id and o is not f]
            assert f.status=='completed' and f.value==counts(**Counter(o.status for o in members))
            ends = [r['end'] or r['begin'] for o in members for r in runs[o.id]]
            assert not ends or max(ends)<=runs[f.id][0]['begin']
    print(figures)
    wrong = [o for o in wrong if not o.endswith('is cancelled')]
    assert not wrong and len(followers)>30 and figures['kills']>3

# -- people

def test_pages_and_command(path, manager):
    app,_ = fast_app(secret_key='x')
    jobs_ui(app, lambda req: manager, lambda req: 'act')
    client,subs = TestClient(app),submit(manager, ['completed', 'failed', 'completed'])
    manager.cancel_job(subs[0][0])
    other,_ = manager.submit('other', page)
    for o in (subs.batch, subs[1][0]):
        html = client.get(f'/jobs/{o}').text
        assert '1 of 3 ended, 1 cancelled' in html and 'data-tt-part="batch:' in html and '9999-' not in html
    assert 'waits for its batch' in client.get(f'/jobs/{subs.batch}').text
    for query,n in (('', 4), ('&status=cancelled', 1)):
        assert client.get(f'/jobs?batch={subs.batch}{query}').text.count('scope="row"')==n
    assert client.get('/jobs?batch=%00%3Cscript').status_code==200
    assert len(data('ls', path, '--batch', subs[2][0][:25]))==4
    assert '1 of 3 ended, 1 cancelled' in command('show', path, subs.batch).out
    assert data('show', path, subs.batch)['batch_counts']==counts(cancelled=1, pending=2)
    assert 'after batch' in command('ls', path).out and command('ls', path, '--batch', other).code==2
