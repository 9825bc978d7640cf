"Who is who: which process lives, which function a job names, and who may run it"
import asyncio,os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from fasthtml.common import to_xml
from helpers import Look,dead_owner,end,manager_at,open_db,program,running_row,until,working

from tenant_tasks import TenantJob,View,Worker,task
from tenant_tasks.fleet.checks import check_database
from tenant_tasks.fleet.health import Overview
from tenant_tasks.jobs.job import new_id,timestamp,utcnow
from tenant_tasks.jobs.task import _tasks as tasks_here
from tenant_tasks.run.peers import WorkerSign
from tenant_tasks.run.process import Process,is_dead,lock_dir,this_process
from tenant_tasks.web.operators import TenantRows,TenantTotals

kernel = this_process.id.split('~')[1]
past = timedelta(minutes=-1)

class Ahead:
    "A clock by which each lease is over"
    sleep = None
    def __call__(self): return utcnow()+timedelta(hours=1)

# -- which process lives

def test_a_process_that_may_not_read_proc_sys(path):
    "Neither it nor the others take the other one for dead; once it is killed, its jobs wait for a lease"
    look = Look(path, clock=Ahead())
    other = program('hidden_proc', 'run_and_wait', path, forked=False)
    assert other.stdout.readline()=='running\n'
    owner = look.manager.list_jobs(status='running')[0].owner
    assert is_dead(owner, look.manager.folder) is False and look.at_intervals(6)==[set()]*6
    look.process.announce_alive(look.manager.folder)
    def asks(owner):
        proc = program('hidden_proc', 'is_dead', owner, look.manager.folder, forked=False)
        return proc.communicate(timeout=60)[0].strip()
    assert asks(look.process.id)==asks(owner)=='False'
    end(other)
    assert is_dead(owner, look.manager.folder) is None and asks(owner)==asks(dead_owner(look.manager.folder))=='None'
    assert list(map(len, look.at_intervals(5)))==[0, 0, 0, 1, 1] # The running one had been seen before

def test_two_hosts_of_one_name(path):
    "They share a volume; each sees the other's files, but not its locks: what beats lives, what falls silent is missed"
    look = Look(path)
    owner = dead_owner(look.manager.folder).replace(kernel, 'other')
    lock = Path(look.manager.folder, lock_dir, f'{owner}.lock')
    job = running_row(look.manager, owner, past)
    waits = running_row(look.manager, owner, status='pending', task=None)
    lock.write_text(job.claim) # The other one is pending, and no beat lists it
    for n in range(6):
        os.utime(lock, ns=(n, n))
        assert look.at_intervals(1)==[set()]
    assert [len(o) for o in look.at_intervals(4)]==[0, 0, 0, 2]
    assert [look.manager.get_job(o.id).status for o in (job, waits)]==['pending', 'failed']

# -- which function a job names

ran = []
def sync_user(): ran.append('sync')
def delete_user(): ran.append('delete')
@task(name='i.known')
def known(): ran.append('known')
def maker(what):
    def made(): ran.append(what)
    return made

@pytest.fixture
def others(path):
    "Managers of one database in two processes, for submits with one unique key"
    ran.clear()
    return [manager_at(path, process=Process()) for _ in range(2)]

def submit_both(managers, *funcs):
    return [o.using(unique_key='user 7').submit('x', f) for o,f in zip(managers, funcs)]

@pytest.mark.parametrize('first,second', [(sync_user, delete_user), (sync_user, known),
    (maker('sync'), maker('delete')), (partial(maker, 'sync'), partial(maker, 'delete'))])
async def test_a_unique_key_finds_the_job_of_another_function(others, first, second):
    "In another process, whose background task neither runs nor fails that job; the first one's runs it"
    (job_id,bg_first),(same,bg_second) = submit_both(others, first, second)
    await bg_second()
    job = others[1].get_job(job_id)
    assert same==job_id and not same.is_new and (job.status, job.error_log)==('pending', None) and not ran
    assert others[1].claim(job_id) is None
    await bg_first()
    assert others[0].get_job(job_id).status=='completed' and ran in (['sync'], [])

async def test_a_task_that_only_the_other_process_knows(others, monkeypatch):
    "The row names a task that this process hasn't imported: the function that it submitted isn't called in its place"
    (job_id,_),(_,bg_second) = submit_both(others, known, sync_user)
    monkeypatch.delitem(tasks_here, 'i.known')
    await bg_second()
    assert others[1].get_job(job_id).status=='pending' and not ran and await others[1].drain()==0

def test_a_function_in_the_place_of_another(others):
    (job_id,_),(_,bg_second) = submit_both(others, sync_user, sync_user)
    asyncio.run(bg_second()) # The same function after a restart
    assert others[1].get_job(job_id).status=='completed' and ran==['sync']
    ran.clear()
    job_id,_ = others[0].submit('x', sync_user)
    asyncio.run(others[0]._execute_with_retry(job_id, delete_user))
    assert ran==['sync'] and others[0].get_job(job_id).status=='completed'
    job_id,_ = others[0].submit('x', sync_user)
    asyncio.run(others[1]._execute_with_retry(job_id, delete_user))
    assert ran==['sync'] and others[0].get_job(job_id).status=='pending'

# -- executors

@pytest.fixture
def heavy():
    "A task that needs an executor; no other test sees it, since each worker must have the executors of all tasks"
    yield task(lambda: None, on='i.cpu', name='i.heavy')
    del tasks_here['i.heavy']

async def test_an_executor_that_is_elsewhere(path, logs, heavy):
    "A process without executors may submit; its background tasks and `drain` leave the job to a worker that has them"
    web = manager_at(path, process=Process())
    for n in range(3): await web.submit('heavy', heavy)[1]()
    assert await web.drain()==0 and web.claim() is None and web.next_due() is None
    assert {(o.status, o.retry_count, o.error_log) for o in web.list_jobs()}=={('pending', 0, None)}
    assert sum('waits for a process that can run i.heavy' in o for o in logs('INFO'))==3
    sign = WorkerSign(Process())
    sign.show({web.folder: r'.*\.db'}, ['i.heavy'])
    await web.submit('heavy', heavy)[1]()
    sign.close() # The worker with the executor goes away
    await until(lambda: sum('waits for a process that can run i.heavy' in o for o in logs('INFO'))==4)
    assert web.job_stats()['pending']==4
    web.process.set_executors(**{'i.cpu': ThreadPoolExecutor(1)})
    assert await web.drain()==4 and {o.status for o in web.list_jobs()}=={'completed'}

# -- tasks that no worker knows

def old_row(manager, **kw):
    at = timestamp(utcnow()-timedelta(days=2))
    return manager.store.submit([TenantJob(new_id(), 'x', task='not.deployed', created_at=at, run_at=at, **kw)])[0]

async def test_a_task_that_no_worker_knows(tenants, logs):
    "Its job waits, however old it is: logged once, shown to operators and by `check`, until a worker knows it"
    manager,look = tenants['acme'],Overview(tenants)
    job = old_row(manager)
    def warned(): return [o for o in logs('WARNING') if "'not.deployed'" in o]
    worker = Worker(tenants, look_every=.05)
    async with working(worker):
        await until(warned)
        manager.pause('x')
        old_row(tenants['globex'])
        worker.lookout.look('globex')
    assert len(warned())==1 and manager.get_job(job.id)==job
    health = {o.name:o for o in look.health(60)}
    assert health['acme'].unknown==('not.deployed',) and look.worst_first()[-1].name=='initech'
    html = to_xml([o(look.health(60), View(now=utcnow())) for o in (TenantRows, TenantTotals)])
    assert 'no worker knows not.deployed' in html and 'Tasks without a worker' in html
    manager.resume('x')
    assert any('not.deployed' in o.text and o.level=='problem' for o in check_database(tenants.file('acme')))
    sign = WorkerSign(Process())
    sign.show({manager.folder: r'.*\.db'}, ['not.deployed'])
    assert all(o.unknown==() for o in look.health(60))
    sign.close()

def test_jobs_of_the_oldest_version(tmp_path):
    "A table of eight columns names nothing that could run a job; `check` says so, before the upgrade and after it"
    path = str(tmp_path/'acme.db')
    db = open_db(path)
    db.execute("""CREATE TABLE tenant_jobs (id TEXT PRIMARY KEY, job_type TEXT, status TEXT, payload TEXT, result TEXT,
        error_log TEXT, retry_count INTEGER, max_retries INTEGER)""")
    db.execute("INSERT INTO tenant_jobs VALUES ('a', 'x', 'pending', '{}', NULL, NULL, 0, 3)")
    def found(): return [o.text for o in check_database(path) if o.level=='problem']
    before = found()
    manager = manager_at(path)
    assert len(before)==1 and '1 pending jobs name neither a task nor a process' in before[0] and found()==before
    db.execute("UPDATE tenant_jobs SET task='i.known' WHERE id='a'")
    assert asyncio.run(manager.drain())==1 and manager.get_job('a').status=='completed' and found()==[]
