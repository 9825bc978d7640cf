"Who is who: which process lives, which function a job names, and who may run it"
import os
from datetime import timedelta
from pathlib import Path

import pytest
from chaos import Chaos,check_ledger,executions
from helpers import Look,dead_owner,end,program,running_row

from tenant_tasks.job import utcnow
from tenant_tasks.process import is_dead,lock_dir,this_process

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
