"Who is alive and who is dead, whose jobs are rescued, and what a forked child holds"
import os,shutil,subprocess,sys
from datetime import timedelta
from threading import Thread

import pytest
from helpers import Look,awork,dead_owner,end,manager_at,open_db,program,running_row,until,work

from tenant_tasks.jobs.job import TenantJob,timestamp,utcnow
from tenant_tasks.run.peers import WorkerSign
from tenant_tasks.db.forks import at_fork
from tenant_tasks.run.process import Process,is_dead,lock_dir,this_process

host,kernel,*_ = this_process.id.split('~')
soon,past = timedelta(minutes=1),timedelta(minutes=-1)

def seen_from_outside(owner, folder):
    "What another process finds out about `owner`"
    return program('is_dead', owner, folder).communicate(timeout=30)[0].strip()

# -- the lock file

def test_a_process_that_asks_about_itself_keeps_its_lock(tmp_path):
    "Neither a look at its own lock file nor a copy of the lock files frees the lock"
    this_process.announce_alive(tmp_path)
    assert is_dead(this_process.id, tmp_path) is False
    shutil.copytree(tmp_path/lock_dir, tmp_path/'backup')
    assert is_dead(this_process.id, tmp_path) is False and seen_from_outside(this_process.id, tmp_path)=='False'

def test_a_new_owner_is_never_taken_for_dead(tmp_path):
    "Processes start and show that they live, one after the other, while this one examines every lock file that it sees"
    proc,locks = program('many_processes', tmp_path),tmp_path/lock_dir
    seen,taken_for_dead = set(),set()
    while proc.poll() is None and len(seen)<300:
        for o in locks.glob('*.lock') if locks.exists() else ():
            if o.stem not in seen and is_dead(o.stem, tmp_path): taken_for_dead.add(o.stem)
            seen.add(o.stem)
    end(proc)
    assert len(seen)==300 and not taken_for_dead

def test_a_directory_without_locks_is_refused(tmp_path, manager):
    "Without a lock file other processes can't see that this one lives, so nothing is submitted"
    (tmp_path/lock_dir).write_text('not a directory')
    for f in (lambda: manager.submit('sync', work), manager.claim):
        with pytest.raises(OSError, match='must be on a local file system with flock'): f()
    assert manager.list_jobs()==[]

def test_a_lock_file_that_vanishes_is_made_anew(path, tmp_path, logs):
    "By the next beat, which comes long before a lease is over"
    process = Process()
    manager = manager_at(path, process=process)
    job_id,_ = manager.submit('sync', work)
    for f in (lambda: None, lambda: manager.claim(job_id)):
        f()
        shutil.rmtree(tmp_path/lock_dir)
        assert is_dead(process.id, tmp_path) is None
        process.beat()
        assert is_dead(process.id, tmp_path) is False and seen_from_outside(process.id, tmp_path)=='False'
    open_files = len(os.listdir('/dev/fd'))
    os.rename(tmp_path/lock_dir, tmp_path/'away')
    process.beat()
    assert len(os.listdir('/dev/fd'))==open_files and is_dead(process.id, tmp_path) is False
    shutil.rmtree(tmp_path)
    process.beat()
    assert not tmp_path.exists() and 'sign of life' not in str(logs('WARNING')), 'a directory that is gone stays gone'

def test_a_foreign_file_with_the_number_of_the_lock(path, tmp_path):
    "A library has closed the lock file by mistake, and the app has opened a file: it is neither written to nor closed"
    process = Process()
    manager = manager_at(path, process=process)
    manager.claim(manager.submit('sync', work)[0])
    number = process.locks[str(tmp_path)]
    with open(tmp_path/'invoice', 'w+') as opened, os.fdopen(os.dup2(opened.fileno(), number), 'w+') as f:
        f.write('x'*5000)
        for _ in range(2): process.beat()
        f.flush()
        assert (tmp_path/'invoice').read_text()=='x'*5000 and seen_from_outside(process.id, tmp_path)=='False'

# -- signs of workers

def test_a_sign_that_vanishes_or_cannot_be_written_comes_back(tmp_path, logs):
    "With one warning while it can't be written"
    process = Process()
    sign = WorkerSign(process)
    def show(): sign.show({str(tmp_path): r'.*\.db'}, ['a'])
    def seen(): return this_process.other_workers(f'{tmp_path}/x.db', 'a')==[sign.name]
    show()
    shutil.rmtree(tmp_path/lock_dir)
    assert not seen()
    process.beat()
    show()
    assert seen()
    shutil.rmtree(tmp_path/lock_dir/'workers')
    (tmp_path/lock_dir/'workers').write_text('not a directory')
    for _ in range(2): show()
    assert len(logs('WARNING'))==1
    (tmp_path/lock_dir/'workers').unlink()
    show()
    assert seen()

# -- rescue

def test_rescue_knows_the_dead_from_the_living(path):
    "A lock that is free is known at once; whatever can't be known needs an expired lease and a whole lease of silence"
    look = Look(path)
    manager,me = look.manager,look.process.id
    owners = dict(rebooted=f'{host}~other~1~aa', elsewhere='far~other~1~aa', no_file=f'{host}~{kernel}~1~aa', mine=me)
    cases = {k:running_row(manager, o, soon) for k,o in owners.items()}
    cases |= {f'{k}_late':running_row(manager, o, past) for k,o in owners.items()}
    cases |= dict(dead=running_row(manager, dead_owner(manager.folder), soon), old_version=running_row(manager, None),
        old_version_late=running_row(manager, None, started_at=timestamp(utcnow()-2*look.process.lease)))
    late = {'rebooted_late', 'elsewhere_late', 'no_file_late', 'mine_late', 'old_version_late'}
    names = {v.id:k for k,v in cases.items()}
    assert [names[o.id] for o in manager.rescue()]==['dead']
    assert [{names[o] for o in ids} for ids in look.at_intervals()]==[set(), set(), set(), late]
    for o in manager.list_jobs(status='pending'): assert o.retry_count==1 and 'process' in o.error_log
    assert len(manager.list_jobs(status='pending'))==6

def test_rescue_skips_the_claims_of_its_own_process(path, clock):
    "A lease that could not be renewed for long is no reason to run a job twice; a claim that is given up is one"
    look = Look(path, clock=clock)
    attempt = look.manager.claim(look.manager.submit('sync', work)[0])
    clock.advance(10*look.process.lease)
    assert look.at_intervals(10)==[set()]*10 and look.process.orphans(look.manager.store, clock())==[]
    look.process.drop(attempt)
    assert look.at_intervals(5)[-1]=={attempt.id} and look.manager.get_job(attempt.id).status=='pending'

def test_a_sign_of_life_at_the_last_moment(path, clock, monkeypatch):
    "The owner, on another host, renews its lease after the observer has found the job orphaned: nothing is written"
    monkeypatch.setattr('tenant_tasks.run.rescue.is_dead', lambda owner, folder: None)
    look,owner = Look(path, clock=clock),manager_at(path, clock, process=Process())
    attempt = owner.claim(owner.submit('sync', work)[0])
    clock.advance(10*look.process.lease)
    assert look.at_intervals(4)==[set()]*4
    orphans,found = look.process.orphans,[]
    def late(store, now):
        found.extend(orphans(store, now))
        owner.process.beat()
        return found
    monkeypatch.setattr(look.process, 'orphans', late)
    assert look.at_intervals(1)==[set()] and [o.id for o,_ in found]==[attempt.id]
    job = owner.get_job(attempt.id)
    assert (job.status, job.claim, job.retry_count)==('running', attempt.job.claim, 0)

@pytest.mark.parametrize('waits', [False, True])
def test_jobs_of_the_living_hide_none_of_the_dead(path, clock, waits):
    "However many there are: running ones, and pending ones that only their process can run"
    living,manager = manager_at(path, clock, process=Process()),manager_at(path, clock)
    dead = dead_owner(manager.folder)
    living.submit_many('sync', awork, [{}]*1500)
    assert waits or len(living.claim_next(1500))==1500
    lost = running_row(manager, dead, soon, status='pending' if waits else 'running', task=None if waits else 'w.note')
    assert living.process.id<dead and [o.id for o in manager.rescue()]==[lost.id]

def test_rescue_honours_attempts_and_wishes(manager):
    dead = dead_owner(manager.folder)
    last = running_row(manager, dead, retry_count=2)
    stopped = running_row(manager, dead, cancel_requested=1)
    lost = running_row(manager, dead, task=None, function='myapp.sync_data')
    job = TenantJob('p', 'note', owner=dead, function='myapp.later', created_at=timestamp(utcnow()))
    waits, = manager.store.submit([job])
    manager.rescue()
    got = {o.id:o for o in manager.list_jobs()}
    assert [got[o.id].status for o in (last, stopped, lost, waits)]==['failed', 'cancelled', 'failed', 'failed']
    for o in (lost, waits):
        for text in (o.function, dead, '@task'): assert text in got[o.id].error_log

@pytest.mark.parametrize('alive', [True, False])
def test_a_lock_that_is_missing_fails_no_job_of_a_living_process(path, alive):
    "Only that process has the function. It is stopped, say, so that it can't make its lock file anew"
    look,proc = Look(path),subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)
    if not alive: end(proc)
    job = running_row(look.manager, f'{host}~{kernel}~{proc.pid}~aa', status='pending', task=None)
    assert look.at_intervals(8)==[set()]*4+[set() if alive else {job.id}]+[set()]*3
    end(proc)

@pytest.mark.parametrize('claims', [False, True])
def test_a_heartbeat_that_cannot_start(path, monkeypatch, claims):
    "No thread is to be had: nothing is submitted or claimed without a heartbeat; the next call starts one"
    process = Process()
    manager = manager_at(path, process=process)
    job_id = claims and manager_at(path).submit('sync', awork)[0]
    start,fails = Thread.start,[1, 1]
    def refuse(self):
        if self.name!='tenant_tasks heartbeat' or not fails: return start(self)
        fails.pop()
        raise RuntimeError("can't start new thread")
    monkeypatch.setattr(Thread, 'start', refuse)
    process.keep(job_id, awork)
    f = (lambda: manager.claim(job_id)) if claims else lambda: manager.submit('sync', awork)
    for _ in range(2):
        with pytest.raises(RuntimeError): f()
        assert manager.job_stats()['running']==0 and manager.job_stats()['pending']==claims and not process.claims
    assert f() and process._heart.is_alive()

async def test_a_beat_that_fails_is_not_the_last(path, logs, monkeypatch):
    process,beats = Process(lease=timedelta(seconds=.3)),[]
    def beat():
        beats.append(1)
        raise MemoryError
    monkeypatch.setattr(process, 'beat', beat)
    manager_at(path, process=process).submit('sync', work)
    await until(lambda: len(beats)>2)
    assert process._heart.is_alive() and 'a heartbeat failed' in logs('ERROR')

# -- forks

@pytest.mark.skipif(not hasattr(os, 'fork'), reason='no fork on this system')
def test_a_child_is_never_its_parent(tmp_path):
    "Not even if the parent has closed a lock file by mistake, so that the child can't, or if another reset fails"
    def broken(): raise OSError('broken')
    at_fork(broken)
    others = [Process() for _ in range(3)]
    for o in others: o.announce_alive(tmp_path)
    ids,(read,write) = [this_process.id, *[o.id for o in others]],os.pipe()
    for fd in others[1].locks.values(): os.close(fd)
    pid = os.fork()
    if not pid:
        os.write(write, ' '.join([this_process.id, *[o.id for o in others]]).encode())
        os._exit(0)
    os.waitpid(pid, 0)
    os.close(write)
    with open(read) as f: assert not set(f.read().split())&set(ids)
    others[1].locks.clear()

@pytest.mark.skipif(not hasattr(os, 'fork'), reason='no fork on this system')
def test_a_forked_child_is_another_process(path, tmp_path):
    "Its parent is killed, it lives on under another name and holds nothing; a pid that comes back proves nothing"
    open_db(path)
    proc = program('fork', path)
    parent = proc.stdout.readline().strip()
    child,pid,held = proc.stdout.readline().split()
    try:
        assert parent!=child and held=='0' and [is_dead(o, tmp_path) for o in (parent, child)]==[False, False]
        proc.kill()
        proc.wait()
        assert [is_dead(o, tmp_path) for o in (parent, child)]==[True, False]
        token = parent.split('~')[-1]
        reborn = f'{host}~{kernel}~{os.getpid()}~{token}'
        os.rename(tmp_path/lock_dir/f'{parent}.lock', tmp_path/lock_dir/f'{reborn}.lock')
        assert is_dead(reborn, tmp_path)
    finally: os.kill(int(pid), 9)

