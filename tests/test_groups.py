"Quick jobs are claimed in groups: what a slow one, a stop or a kill does to those behind it"
import threading

from helpers import end,program,until,wait_until,working

from tenant_tasks import Tenants,Worker,task

ran,go = [],threading.Event()

@task
def usually_quick(n):
    if n==0: go.wait(60)
    ran.append(n)

@task
def quick_or_deadly(n, kills=False): "Is called in `programs/quick_worker.py`"

def prepared(tenants, **kw):
    "A worker that takes a task for quick, and its ten jobs, of which the first takes long"
    worker,acme = Worker(tenants, look_every=.05, **kw),tenants['acme']
    ran.clear()
    go.clear()
    worker.pace.note('usually_quick', 0.)
    acme.submit_many('quick', usually_quick, [dict(n=i) for i in range(10)])
    return worker,acme

async def test_what_waits_behind_a_slow_job_is_run_by_another_turn(tenants):
    worker,acme = prepared(tenants, per_tenant=2)
    async with working(worker):
        await until(lambda: acme.job_stats()['completed']==9)
        assert len(ran)==9
        go.set()
        await until(lambda: acme.job_stats()['completed']==10)
    assert sorted(ran)==[*range(10)] and not any(o.retry_count for o in acme.list_jobs())

async def test_what_waits_behind_a_slow_job_is_free_for_other_workers(tenants):
    "One place: the nine are pending again and have lost nothing; a worker that stops leaves none of them behind"
    worker,acme = prepared(tenants, concurrency=1)
    async with working(worker):
        await until(lambda: acme.job_stats()['pending']==9 and acme.job_stats()['running']==1)
        worker.stop()
        await until(worker.stopping.is_set)
        go.set()
    assert ran==[0] and acme.job_stats()['completed']==1 and acme.job_stats()['pending']==9
    for o in acme.list_jobs(status='pending'): assert o.started_at and not (o.retry_count or o.attempts or o.error_log)

def test_a_job_that_kills_its_process_costs_its_group_one_attempt(tmp_path):
    "A job with one attempt isn't claimed in a group, and what has died once isn't either"
    acme,killers = Tenants(tmp_path).create('acme'),[]
    def submit():
        for n in range(30): acme.submit('quick', quick_or_deadly, max_retries=1+n%2*2, n=n)
        killers.append(acme.submit('quick', quick_or_deadly, n=30, kills=True)[0])
        acme.submit_many('quick', quick_or_deadly, [dict(n=n) for n in range(31, 50)])
    def ended():
        nonlocal proc
        if proc.poll() is not None: proc = program('quick_worker', tmp_path)
        return not (acme.job_stats()['pending'] or acme.job_stats()['running'])
    def others(): return [o for o in acme.list_jobs(limit=10_000) if o.id not in killers]
    proc = program('quick_worker', tmp_path)
    while not any(o.retry_count for o in others()): # Until one had a group with it
        submit()
        wait_until(ended)
    end(proc)
    assert [(acme.get_job(o).status, acme.get_job(o).retry_count) for o in killers]==[('failed', 3)]*len(killers)
    assert {o.status for o in others()}=={'completed'} and max(o.retry_count for o in others())==1
    assert not any(o.retry_count for o in others() if o.max_retries==1)
