"The example as a user runs it, and real servers over HTTP"
import os,re,signal

import pytest
from helpers import manager_at,python,serving,wait_until

@pytest.mark.slow
def test_once(tmp_path):
    "Each state of each job is printed in order, the waits are as promised, and no file is left"
    res = python('examples/app.py', '--once', timeout=300, env={**os.environ, 'TMPDIR':str(tmp_path)})
    assert res.returncode==0, res.stdout+res.stderr
    for tenant in ('acme', 'globex'):
        story = re.findall(rf'^([\d:.]+) {tenant} +import_csv +(\w+) +after (\d)', res.stdout, re.M)
        assert [o[1:] for o in story if o[1]!='running']==[('pending', '1'), ('pending', '2'), ('failed', '3')]
        assert re.search(rf'{tenant} +send_email +completed +after 2', res.stdout)
    assert 'all 8 jobs ended as they should, no tenant saw the other' in res.stdout and not [*tmp_path.iterdir()]

def test_server_that_is_stopped_leaves_nothing_running(tmp_path):
    "SIGTERM comes while a sync job runs, which ends in its time; the async one is interrupted, the third never starts"
    with serving('server', 'bare', tmp_path) as (proc,get):
        assert get('go?names=acme&jobs=slow:1,aslow:60,boom:0')=='submitted'
        manager = manager_at(tmp_path/'acme.db')
        wait_until(lambda: manager.job_stats()['running'])
        os.kill(proc.pid, signal.SIGTERM)
        proc.wait(60)
    jobs = {o.job_type:o for o in manager.list_jobs()}
    assert {k:v.status for k,v in jobs.items()}==dict(slow='completed', aslow='pending', boom='pending')
    assert {o.retry_count for o in jobs.values()}=={0}
    assert jobs['aslow'].started_at and not jobs['boom'].started_at

def test_worker_in_an_app(tmp_path):
    "SIGTERM comes while everything runs: nothing stays running, and the next server finishes it"
    with serving('server', 'worker', tmp_path) as (proc,get):
        assert get('go?names=acme,globex&jobs=slow:3,aslow:3')=='submitted'
        managers = [manager_at(str(tmp_path/f'{o}.db')) for o in ('acme', 'globex')]
        def total(status): return sum(o.job_stats()[status] for o in managers)
        wait_until(lambda: total('running')==4)
        os.kill(proc.pid, signal.SIGTERM)
        proc.wait(60)
    assert [(o.status, o.retry_count) for m in managers for o in m.list_jobs()]==[('pending', 0)]*4
    with serving('server', 'worker', tmp_path):
        wait_until(lambda: total('completed')==4)
        assert [o.status for m in managers for o in m.list_jobs()]==['completed']*4
