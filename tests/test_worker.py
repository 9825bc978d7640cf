"Many tenants and one worker: whose turn it is, which tenant is ill, what is seen, and what is released at the end"
import asyncio,os,threading,time
from collections import Counter
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

import pytest
from fastlite import database
from helpers import boom,delete_db,manager_at,note,ran,running_row,until,working,write_lock

from tenant_tasks import BackgroundTaskManager,TenantJob,TenantMap,Tenants,Worker,task
from tenant_tasks.fleet.lookout import Lookout
from tenant_tasks.jobs.job import final_statuses,timestamp,utcnow

def at_work(tenants, look_every=.05, **kw):
    return working(Worker(tenants, look_every=look_every, grace=2, **kw))

async def test_bg_task_is_a_nudge(tenants):
    "It returns before the job ends; the worker, which looks once in ten minutes, runs it, registered or not"
    go = asyncio.Event()
    async def waits(n):
        await go.wait()
        ran.append(n)
    async with at_work(tenants, look_every=600):
        await asyncio.sleep(.1)
        for i,func in enumerate((waits, note)):
            job_id,bg_task = tenants['acme'].submit('note', func, n=7)
            await asyncio.wait_for(bg_task(), 60)
            assert i or not ran
            go.set()
            await until(lambda: tenants['acme'].get_job(job_id).status=='completed')
        await BackgroundTaskManager(database(':memory:')).submit('note', note, n=1)[1]()
        assert ran==[7, 7, 1], 'what the worker does not serve runs here'

@pytest.mark.parametrize('is_async', [False, True], ids=['sync', 'async'])
@pytest.mark.parametrize('concurrency,per_tenant,most,each', [(4, 2, 4, 2), (2, 5, 2, 2), (20, 3, 9, 3)])
async def test_caps(tenants, concurrency, per_tenant, most, each, is_async):
    "As many jobs as allowed run at the same time: they wait for each other; and never more, for a while longer"
    now,peak,peaks,lock,full = Counter(),[0],Counter(),threading.Lock(),threading.Event()
    def count(tenant, n):
        with lock:
            now[tenant] += n
            peak[0],peaks[tenant] = max(peak[0], sum(now.values())),max(peaks[tenant], now[tenant])
            if peak[0]>=most: full.set()
    def slow(tenant):
        count(tenant, 1)
        full.wait(60)
        time.sleep(.01)
        count(tenant, -1)
    async def aslow(tenant):
        count(tenant, 1)
        await until(full.is_set)
        await asyncio.sleep(.01)
        count(tenant, -1)
    for o in tenants: tenants[o].submit_many('slow', aslow if is_async else slow, [dict(tenant=o)]*6)
    async with at_work(tenants, concurrency=concurrency, per_tenant=per_tenant):
        await until(lambda: sum(tenants[o].job_stats()['completed'] for o in tenants)==18)
    assert peak[0]==most and max(peaks.values())<=each

async def test_lines_about_a_job_name_its_tenant(tenants, logs):
    ids = [tenants[o].submit('sync', boom, 1)[0] for o in tenants]
    async with at_work(tenants): await until(lambda: len(logs('ERROR'))==3)
    assert sorted(o.split(': ')[0] for o in logs('ERROR'))==sorted(
        f'job {i} (sync) of {o} is failed' for i,o in zip(ids, tenants))

# -- tenants that are ill

def fall_ill(how, tenants):
    "Do harm to the database of a tenant that has a job"
    path = tenants.file('acme')
    conn = tenants['acme'].store.link.open()
    if how=='junk': tenants.drop('acme')
    if how in ('junk', 'gone', 'replaced'): delete_db(path)
    if how=='junk': Path(path).write_bytes(b'This is no database. '*300)
    if how=='replaced': manager_at(path).submit('note', note, n='new file')
    if how=='read-only': conn.pragma('query_only', True)
    if how=='full': conn.pragma('max_page_count', conn.pragma('page_count'))
    if how in ('torn', 'full'): database(path).execute('PRAGMA wal_checkpoint(TRUNCATE)')
    if how=='torn':
        with open(path, 'r+b') as f:
            f.seek(4096)
            f.write(b'\xff'*4096*3)

@pytest.mark.parametrize('ill', ['junk', 'torn', 'locked', 'gone', 'replaced', 'full', 'read-only'])
async def test_one_tenant_is_ill(tenants, ill, logs):
    "The others run as usual; and it runs again when it is well, if it can be"
    tenants['acme'].submit('note', note, n='bad')
    for o in ('globex', 'initech'): tenants[o].submit_many('note', note, [dict(n=o)]*20)
    fall_ill(ill, tenants)
    worker,places = Worker(tenants, look_every=.05, grace=2),[]
    def told(): return any('acme' in o and 'next look in' in o for o in logs('WARNING'))
    with write_lock(tenants.file('acme')) if ill=='locked' else nullcontext():
        async with working(worker):
            await until(lambda: len([o for o in ran if o in ('globex', 'initech')])==40)
            if ill in ('junk', 'torn', 'locked', 'read-only'):
                await until(lambda: places.append(worker.agenda.busy['acme']) or told())
            if ill=='replaced': await until(lambda: 'new file' in ran)
    if ill=='locked': assert max(places)==1, 'one place waits for the lock'
    if ill=='read-only': tenants['acme'].store.link.open().pragma('query_only', False)
    if ill in ('locked', 'read-only'):
        async with at_work(tenants): await until(lambda: 'bad' in ran)

async def test_a_connection_that_is_kept_for_a_moment_costs_a_moment(tenants, logs):
    "Eight threads wait for it in vain and fail together: the tenant is back at once, and no one hears of it"
    manager,link = tenants['acme'],tenants['acme'].store.link
    manager.submit_many('nap', lambda: time.sleep(.01), [{}]*300)
    async with at_work(tenants, concurrency=8, per_tenant=8, look_every=60):
        await until(lambda: manager.job_stats()['completed']>20)
        with link.lock: await asyncio.sleep(1.3)
        await until(lambda: manager.job_stats()['completed']==300, 5)
    assert not [o for o in logs('WARNING') if 'next look' in o]

async def gone(folder, how, logs):
    folder.mkdir()
    dbs = {o:database(folder/f'{o}.db') for o in (how, 'globex')}
    tenants,go = TenantMap(dbs) if how=='map' else Tenants(folder),threading.Event()
    def hold(): go.wait(10)
    def lines(): return [o for o in logs('WARNING')+logs('ERROR') if how in o]
    manager = tenants[how]
    manager.submit('note', note) if how=='idle' else manager.submit('hold', hold)
    if how!='running': running_row(manager, 'far~other~1~aa', timedelta(hours=1))
    async with at_work(tenants):
        await asyncio.sleep(.7 if how=='running' else 1.5)
        delete_db(folder/f'{how}.db')
        if how=='map': del dbs[how]
        go.set()
        await until(lambda: lines(), 5)
        await asyncio.sleep(2.5)
        assert lines()==[f'tenant {how} is gone: its file was renamed or deleted']
        assert not (folder/f'{how}.db').exists()
        dbs[how] = database(folder/f'{how}.db')
        BackgroundTaskManager(dbs[how]).submit('note', note, n=how)
        await until(lambda: how in ran)
        assert len(lines())==1

async def test_a_tenant_that_is_gone_is_mentioned_once(tmp_path, logs):
    "Deleted by hand while a job of it runs, here or in another process: one line, until it is there again"
    await asyncio.gather(*[gone(tmp_path/o, o, logs) for o in ('running', 'watched', 'idle', 'map')])

@pytest.mark.slow
async def test_a_broken_watched_tenant_is_left_alone(tenants, logs):
    "Not looked at each second because another process has a job there, but less and less often"
    running_row(tenants['acme'], 'far~other~1~aa', timedelta(hours=1))
    async with at_work(tenants):
        await asyncio.sleep(1.5)
        fall_ill('junk', tenants)
        def lines(): return len([o for o in logs('WARNING') if 'tenant acme' in o])
        await until(lines)
        await asyncio.sleep(1)
        before = lines()
        await asyncio.sleep(4)
        assert lines()-before<=2

async def test_a_tenant_is_renamed_while_the_worker_runs(tenants, logs):
    "A job that waits for its time runs under the new name, and once"
    async with at_work(tenants):
        tenants['acme'].submit('note', note, n=1)
        tenants['acme'].using(delay=1).submit('note', note, n=2)
        await until(lambda: ran==[1])
        await asyncio.get_running_loop().run_in_executor(None, lambda: tenants.rename('acme', 'beta', wait=5))
        await until(lambda: ran==[1, 2])
        await asyncio.sleep(1)
    assert [o.status for o in tenants['beta'].list_jobs()]==['completed']*2 and 'acme' not in tenants
    assert len([o for o in logs('WARNING') if 'acme' in o])<=1 and ran==[1, 2]

# -- jobs that ended long ago

@pytest.mark.parametrize('kw,left', [(dict(keep=None), 25), ({}, 0)])
async def test_old_jobs_are_deleted_a_few_at_a_time(tenants, kw, left, monkeypatch):
    "After thirty days, unless the app says otherwise"
    manager,now = tenants['acme'],utcnow()
    def ended(i, days):
        at = timestamp(now-timedelta(days=days))
        return TenantJob(f'{i}-{days}', 'note', final_statuses[i%3], created_at=timestamp(now), completed_at=at)
    waits = TenantJob('p', 'other', created_at='2000-01-01')
    manager.store.submit([ended(i, d) for i in range(25) for d in (29, 31)]+[waits])
    def old(): return sum(o.id.endswith('-31') for o in manager.list_jobs())
    worker = Worker(tenants, look_every=.05, **kw)
    for k,v in dict(prune_batch=10, prune_every=.3).items(): monkeypatch.setattr(Lookout, k, v)
    seen = set()
    async with working(worker):
        if kw: await asyncio.sleep(1)
        else: await until(lambda: seen.add(old()) or old()==0)
    assert old()==left and seen<={25, 15, 5, 0} and (kw or {15, 5}<seen)
    assert sum(o.id.endswith('-29') for o in manager.list_jobs())==25 and manager.get_job('p').status=='pending'

# -- maps, restarts and stops

async def test_a_worker_that_starts_again_looks_at_everything(tenants):
    "Nothing that the first run has seen counts. A row that was set back by hand, with its old claim, runs too"
    running_row(tenants['globex'], 'far~other~1~aa', timedelta(hours=1), payload='{"n": 0}')
    tenants['globex'].db.execute("UPDATE tenant_jobs SET status='pending'")
    worker = Worker(tenants, look_every=.05)
    for n in (1, 2):
        async with working(worker): await asyncio.sleep(.2)
        tenants['acme'].submit('note', note, n=n)
        await asyncio.sleep(.1)
    assert ran==[0, 1]
    async with working(worker): await until(lambda: 2 in ran, 3)

@pytest.mark.parametrize('kind', ['dict', 'function'])
async def test_a_map_has_names_of_any_kind(tmp_path, kind):
    "Jobs that wait when the worker starts, those that come later, and a database that is added"
    names = ['acme', 'Acme Inc', 'a/b', '_x', 'org:7', '..', 'x'*300]
    dbs = {o:database(tmp_path/f'{i}.db') for i,o in enumerate(names)}
    def submit(name): return BackgroundTaskManager(dbs[name]).submit('note', note, n=name)[1]
    for o in names: submit(o)
    async with at_work(TenantMap(dbs) if kind=='dict' else TenantMap(dbs.__getitem__, names=lambda: list(dbs))):
        await until(lambda: sorted(ran)==sorted(names))
        for o in names: await submit(o)()
        dbs['memory'] = database(':memory:')
        submit('memory')
        await until(lambda: sorted(ran)==sorted([*names*2, 'memory']))

async def test_a_job_changes_the_working_directory(tmp_path, monkeypatch, logs):
    "The other tenants of a worker on a relative directory go on"
    monkeypatch.chdir(tmp_path)
    tenants = Tenants('data')
    managers = [tenants.create(o) for o in ('acme', 'globex')]
    @task(name='w.build')
    def build():
        os.mkdir('build')
        os.chdir('build')
        ran.append('build')
    async with at_work(tenants):
        managers[0].submit('build', build)
        await until(lambda: ran)
        managers[1].submit('note', note)
        await until(lambda: len(ran)==2, 3)
    assert not logs('WARNING')

async def test_a_flood_starves_no_other_tenant(tmp_path):
    "One tenant has submitted 1,000 jobs; another submits one, and few of the flood run before it"
    @task(name='w.flood')
    def flood(n): # Long enough to count turns, and not how fast this machine commits
        time.sleep(.01)
        ran.append(n)
    tenants = Tenants(tmp_path)
    tenants.create('heavy').submit_many('flood', flood, [dict(n=i) for i in range(1000)])
    async with at_work(tenants, concurrency=2):
        await until(lambda: len(ran)>=20)
        _,bg_task = tenants.create('light').submit('flood', flood, n='light')
        before = len(ran) # The threads go on while this one makes a database
        await bg_task()
        await until(lambda: 'light' in ran)
    assert ran.index('light')-before<=20 and len(ran)<1000
