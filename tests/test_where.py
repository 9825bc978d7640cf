"Where a job runs: a web server, with and without a worker beside it, and what the log says if a job would run nowhere"
import os,shutil,signal,time
from contextlib import contextmanager

import pytest
from helpers import end,manager_at,program,serving,slow,wait_until

from tenant_tasks.run.process import lock_dir,this_process

pytestmark = pytest.mark.skipif(not os.path.isdir('/proc/self/fd'), reason='needs Linux')

@pytest.fixture
def manager(path): return manager_at(path)

def workers(manager, suffix='.db'):
    "The workers that serve the database at its path, or at that with another suffix"
    return set(this_process.other_workers(manager.store.link.path.replace('.db', suffix)))

@contextmanager
def working(manager, kind='worker', SUFFIX='.db', **env):
    "A worker in a process of its own; other processes know of it"
    before = workers(manager, SUFFIX)
    proc = program('where', kind, manager.folder, 0, SUFFIX=SUFFIX, **env)
    try:
        wait_until(lambda: workers(manager, SUFFIX)-before)
        yield proc
    finally: end(proc)

@contextmanager
def web(manager):
    with serving('where', 'web', manager.folder) as res: yield res

def ended(manager, n=1):
    "Wait for the last jobs to complete"
    wait_until(lambda: manager.job_stats()['completed']>=n, why=lambda: manager.list_jobs())
    return manager.list_jobs()[0]

def signs(manager): return list(os.scandir(os.path.join(manager.folder, lock_dir, 'workers')))

def stop(proc):
    proc.send_signal(signal.SIGTERM)
    proc.wait(60)

def errors(proc): return end(proc)[1]

@pytest.mark.parametrize('env', [{}, dict(DEAF=1, LOOK_EVERY=.1)])
def test_a_job_is_left_to_the_worker_beside_the_server(manager, env):
    "Which hears of it, or finds it in the file, as in a container with a network of its own"
    with working(manager, **env) as worker, web(manager) as (_,get):
        for n in (1, 2):
            get('run?name=where')
            assert ended(manager, n).value==worker.pid

@pytest.mark.parametrize('kind,env', [('stranger', {}), *slow(('worker', dict(SUFFIX='.sqlite')))])
def test_a_worker_that_cannot_run_the_job_does_not_get_it(manager, kind, env):
    "It doesn't know the task, or the database isn't one of those that it serves"
    with working(manager, kind, LOOK_EVERY=.05, **env), web(manager) as (server,get):
        get('run?name=where')
        assert ended(manager).value==server.pid

@pytest.mark.parametrize('env', [{}, *slow(dict(REPORTS=1))])
def test_a_batch_is_left_to_the_worker_and_its_follower_to_one_that_knows_it(manager, env):
    with working(manager, LOOK_EVERY=.05, **env) as worker, web(manager) as (server,get):
        get('batch?name=where')
        ended(manager, 3)
        assert [o.value for o in manager.list_jobs()]==[worker.pid if env else server.pid, worker.pid, worker.pid]

def test_a_function_without_a_name_runs_in_the_server(manager):
    "The log says so once, and nothing if there is no worker"
    with web(manager) as (server,get):
        get('run?name=unnamed')
        ended(manager)
        assert 'WARNING' not in errors(server)
    with working(manager, LOOK_EVERY=.05), web(manager) as (server,get):
        for n in (1, 2):
            get('run?name=unnamed')
            assert ended(manager, n+1).value==server.pid
        get('run?name=where')
        ended(manager, 4)
        text = errors(server)
    assert text.count('@task')==1 and 'unnamed' in text

def test_a_worker_that_dies_before_the_claim(manager):
    "It is stopped, so that it can't claim the job that is left to it, and then killed: the job runs in the server"
    with web(manager) as (server,get):
        with working(manager) as worker:
            worker.send_signal(signal.SIGSTOP)
            get('run?name=where')
            time.sleep(1)
            assert manager.job_stats()['pending']==1
            worker.kill()
            worker.wait()
        assert ended(manager).value==server.pid
        assert 'no worker is left' in errors(server)

@pytest.mark.parametrize('dies', [True, False])
def test_a_worker_that_ends_in_the_middle_of_the_job(manager, dies):
    "It is killed or stops: its job comes back, what comes later isn't left to it, and nothing of one that stops remains"
    with web(manager) as (server,get):
        with working(manager) as worker:
            get('run?name=slow')
            wait_until(lambda: manager.job_stats()['running'])
            if not dies: stop(worker)
        assert len(signs(manager))==dies
        get('run?name=where')
        assert ended(manager).value==server.pid
        ended(manager, 2)
        later,job = manager.list_jobs()
        assert later.value==job.value==server.pid and job.retry_count==dies
        assert not dies or 'died while it ran' in job.error_log

def test_a_second_worker_takes_what_the_first_one_left(manager):
    "A job of a worker that was killed isn't taken back if another worker knows its task"
    with web(manager), working(manager, LOOK_EVERY=.1) as second, working(manager) as first, web(manager) as (_,get):
        second.send_signal(signal.SIGSTOP)
        first.send_signal(signal.SIGSTOP)
        get('run?name=where')
        first.kill()
        first.wait()
        time.sleep(1)
        assert manager.job_stats()['pending']==1
        second.send_signal(signal.SIGCONT)
        assert ended(manager).value==second.pid

def test_a_server_does_not_wait_for_a_retry(manager):
    "SIGTERM comes while a job waits a minute for its second attempt, which is left to the next process"
    with web(manager) as (server,get):
        get('run?name=failing')
        wait_until(lambda: manager.list_jobs()[0].retry_count)
        stop(server)
        text = errors(server)
    job, = manager.list_jobs()
    assert (job.status, job.retry_count)==('pending', 1) and 'is pending' in text and 'ASGI' not in text

def test_signs_that_count_for_nothing(manager, tmp_path_factory):
    "Those of the dead, which the next worker sweeps, copied and unreadable ones"
    copy = tmp_path_factory.mktemp('backup')/'data'
    with working(manager) as worker:
        worker.kill()
        worker.wait()
    assert len(signs(manager))==1 and this_process.other_workers(manager.store.link.path)==[]
    with working(manager):
        assert len(signs(manager))==1
        shutil.copytree(manager.folder, copy)
        assert this_process.other_workers(str(copy/'acme.db'))==[]
        for o in signs(manager):
            with open(o.path, 'w') as f: f.write('{"tasks": ')
        assert this_process.other_workers(manager.store.link.path)==[]
