"A batch whose follower failed too is retried: the follower runs after the other jobs, whatever the order"
import pytest

from tenant_tasks import matching,pages
from tenant_tasks.attempt import begin
from tenant_tasks.job import never
from tenant_tasks.task import task
from tenant_tasks.testing import run

fails = []

@task(name='again.member', max_retries=1)
def member(n):
    if fails: raise OSError('no route to host')

@task(name='again.report', max_retries=1)
def report():
    if fails: raise OSError('no route to host')

@pytest.fixture
async def failed(manager, clock):
    "A manager with a batch of three that all failed, as did the job that follows them"
    fails.append(1)
    manager.submit_many('member', member, [dict(n=i) for i in range(3)], then=report)
    await run(manager)
    fails.clear()
    clock.advance(1)
    assert len(manager.list_jobs(status='failed'))==4
    return manager

def all_matching(manager): manager.retry_matching()
def by_ids(manager): pages._act_on_ids(manager, 'retry', [o.id for o in manager.list_jobs(status='failed')])
def one_by_one(manager): [manager.retry_job(o.id) for o in manager.list_jobs(status='failed')]
def from_the_first(manager): [manager.retry_job(o.id) for o in manager.list_jobs(status='failed')[::-1]]

@pytest.mark.parametrize('retry', [all_matching, by_ids, one_by_one, from_the_first])
async def test_the_follower_waits_for_the_others(failed, retry):
    retry(failed)
    jobs = [a.job for a in iter(failed.claim, None)]
    assert [o.task for o in jobs]==['again.member']*3
    follower, = failed.list_jobs(status='pending')
    assert (follower.id, follower.run_at)==(follower.batch, never)

async def test_it_runs_in_the_end(failed):
    failed.retry_matching()
    assert [o.status for o in await run(failed)]==['completed']*4

async def test_a_follower_alone_runs_at_once(failed):
    failed.retry_job(failed.list_jobs(status='failed')[0].batch)
    assert failed.claim().job.task=='again.report'

@pytest.mark.parametrize('how', ['job', 'portions'])
async def test_many_jobs_are_retried_in_portions(failed, monkeypatch, how):
    "Between two portions another process could start the follower: it comes last"
    portions,act = [],matching._act
    monkeypatch.setattr(matching, '_portion', 2)
    if how=='job': monkeypatch.setattr(matching, 'at_once', 1)
    def noted(manager, how, ids, **kw):
        portions.append(list(ids))
        return act(manager, how, ids, **kw)
    monkeypatch.setattr(matching, '_act', noted)
    batch = failed.list_jobs(status='failed')[0].batch
    failed.retry_matching()
    if how=='job': begin(failed.claim)
    assert [o for part in portions for o in part][-1]==batch and len(portions)>1

def test_the_ids_of_a_page_are_put_in_order(failed, monkeypatch):
    seen,change = [],pages._change
    monkeypatch.setattr(pages, '_change', lambda manager, act, job_id: seen.append(job_id) or change(manager, act, job_id))
    by_ids(failed)
    assert len(seen)==4 and failed.get_job(seen[-1]).batch==seen[-1]
