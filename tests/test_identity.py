"Who is who: which process lives, which function a job names, and who may run it"
import asyncio,os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from chaos import Chaos,check_ledger,executions
from helpers import Look,dead_owner,end,manager_at,program,running_row,until

from tenant_tasks.job import utcnow
from tenant_tasks.peers import WorkerSign
from tenant_tasks.process import Process,is_dead,lock_dir,this_process
from tenant_tasks.task import _tasks as tasks_here,task

host,kernel,*_ = this_process.id.split('~')
past = timedelta(minutes=-1)

class Ahead:
    "A clock by which each lease is over"
    sleep = None
    def __call__(self): return utcnow()+timedelta(hours=1)

@pytest.fixture
def chaos():
    with Chaos(tenants=2) as res: yield res

def runs_of(chaos): return [o for v in executions(chaos).values() for o in v]
def started(chaos, n=1): chaos.until(lambda: len(runs_of(chaos))>=n)

# -- which process lives

def test_a_job_that_holds_pythons_lock_is_left_alone(chaos):
    "For five leases, with a job beside it, while another worker looks on: each runs once"
    chaos.submit('t1', 1, 'work', secs=5)
    first = chaos.worker(LEASE=1)
    started(chaos)
    chaos.submit('t0', 1, 'gripping', secs=5)
    started(chaos, 2)
    chaos.worker(LEASE=1)
    chaos.until(chaos.finished)
    figures,wrong = check_ledger(chaos)
    assert not wrong and figures['executions']==2 and {o['pid'] for o in runs_of(chaos)}=={str(first.pid)}

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
    "They share a volume, and each sees the files of the other, but not its locks: what beats lives, what falls silent is missed"
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

def submit_both(managers, *funcs): return [o.using(unique_key='user 7').submit('x', f) for o,f in zip(managers, funcs)]

@pytest.mark.parametrize('first,second', [(sync_user, delete_user), (sync_user, known), (maker('sync'), maker('delete')),
    (partial(maker, 'sync'), partial(maker, 'delete'))])
async def test_a_unique_key_finds_the_job_of_another_function(others, first, second):
    "In another process: its background task leaves that job alone, and neither runs nor fails it; the first one's runs it"
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

async def test_the_same_function_after_a_restart(others):
    "The first process has died: the next submit of the same function finds its job and runs it"
    (job_id,_),(_,bg_second) = submit_both(others, sync_user, sync_user)
    await bg_second()
    assert others[1].get_job(job_id).status=='completed' and ran==['sync']

def test_a_function_in_the_place_of_another(others):
    "Whatever `_execute_with_retry` is given, the row tells what runs"
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
    "A process without executors may submit; its background tasks and `drain` leave the job to a worker that has the executor"
    web = manager_at(path, process=Process())
    ids = []
    for n in range(3):
        job_id,bg_task = web.submit('heavy', heavy)
        await bg_task()
        ids.append(job_id)
    assert await web.drain()==0 and web.claim() is None and web.next_due() is None
    assert {(o.status, o.retry_count, o.error_log) for o in web.list_jobs()}=={('pending', 0, None)}
    assert sum('waits for a process that can run i.heavy' in o for o in logs('INFO'))==3
    web.process.set_executors(**{'i.cpu': ThreadPoolExecutor(1)})
    assert await web.drain()==3 and {o.status for o in web.list_jobs()}=={'completed'}

async def test_the_worker_with_the_executor_goes_away(path, heavy):
    "A job was left to it and comes back: it waits for the next one"
    web,worker = [manager_at(path, process=Process()) for _ in range(2)]
    sign = WorkerSign(worker.process)
    sign.show({worker.folder: r'.*\.db'}, ['i.heavy'])
    job_id,bg_task = web.submit('heavy', heavy)
    await bg_task()
    assert web.process.running
    sign.close()
    await until(lambda: not web.process.running, 60)
    assert web.get_job(job_id).status=='pending'
