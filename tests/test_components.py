"Components: what they hide, rows that make no sense, and what a page of a large list costs"
from dataclasses import replace
from datetime import timedelta
from itertools import product

from fastcore.xml import to_xml
from helpers import open_db

from tenant_tasks import BackgroundTaskManager,JobCard,JobDetails,JobTable,TenantJob,View,statuses,task
from tenant_tasks.jobs.job import utcnow,timestamp
from tenant_tasks.web.query import Query
from tenant_tasks.web.table import _JobRows

@task(name='components.sync')
def sync(user_id=None): return dict(user=user_id)

def test_redact_can_do_more_and_may_fail():
    "What `redact` takes away is gone; one that fails, or answers nonsense, shows no texts at all"
    job = TenantJob('1', 'x', 'completed', '{"a": "visible"}', '"visible"', 'visible', progress_note='visible')
    assert 'visible' in to_xml(JobDetails(job, View()))
    def strip(job): return replace(job, payload=None, error_log=None, result=None, progress_note=None)
    for redact in (strip, lambda job: 1/0, lambda job: None):
        view = View(redact=redact)
        assert 'visible' not in to_xml((JobCard(job, view), JobDetails(job, view)))

def test_unreadable_rows_are_shown_all_the_same():
    "Rows from another program: no JSON, no times, unknown states, logs of attempts that make no sense"
    times = dict(run_at='tomorrow', created_at='yesterday', started_at='x', completed_at='y')
    odd = TenantJob('../x?y#z', '', 'weird', 'oops', 'oops', 'plain text', None, None, **times)
    logs = '[]', '[[1, null, null, "failed"]]', '[["x", "y", "z", "<script>"]]', 'oops', '[[1]]', '{}'
    for status,log in product((*statuses, 'weird', ''), logs):
        o = replace(odd, status=status, attempt_log=log)
        html = to_xml((JobCard(o), JobDetails(o), JobTable([o], View('/jobs', True, 't'), Query())))
        assert 'oops' not in html and '<script' not in html
    lone = TenantJob('1', 'x', 'completed', '{"a": "\\ud800"}', '"\\ud800"')
    to_xml((JobCard(lone), JobDetails(lone), JobTable([lone]))).encode()

def test_no_pages_no_links():
    "Without the address of the pages there are neither links, nor buttons, nor requests; with it, odd ids are quoted"
    job = TenantJob('../x?y#z', 'x')
    lone,linked = (to_xml((JobCard(job, o), JobTable([job], o, Query()))) for o in (View(act=True),
        View('/jobs', act=True)))
    assert not [o for o in ('href', 'hx-get', '<form', '<button') if o in lone]
    assert 'href="/jobs/..%2Fx%3Fy%23z"' in linked and 'action="/jobs/..%2Fx%3Fy%23z/cancel"' in linked

def test_a_row_made_once_is_shown_only_to_those_who_see_the_same():
    "Viewers who may act, other pages, other secrets and a `redact` have rows of their own"
    job = TenantJob('1', 'secret-iban k-12345678', 'failed', '{"iban": "k-12345678"}', created_at=timestamp(utcnow()))
    def html(**kw):
        return to_xml(_JobRows([job], View(**{**dict(base='/jobs', now=utcnow()), **kw}), Query()))
    first = html()
    assert 'k-12345678' in first and 'checkbox' not in first and 'href="/jobs/1"' in first
    assert 'k-12345678' not in html(secret=('iban',)) and 'checkbox' in html(act=True)
    assert 'href="/ops/1"' in html(base='/ops')
    assert 'hidden' in html(redact=lambda job: replace(job, job_type='hidden')) and 'hidden' not in html()

def test_how_long_a_job_took_is_told_of_its_last_run():
    now = utcnow()
    def at(secs): return timestamp(now+timedelta(seconds=secs))
    old = TenantJob('1', 'x', 'pending', created_at=at(-7200), started_at=at(-7000), retry_count=1, run_at=at(60))
    for o in (JobCard(old), JobTable([old])): assert '1 h' not in to_xml(o)
    done = replace(old, status='completed', started_at=at(-1), completed_at=at(-.999))
    assert 'last attempt took 1 ms' in to_xml(JobCard(done))
    assert '1 h' not in to_xml(JobTable([replace(done, status='cancelled', started_at=at(-7000))]))
    assert 'running for 1 h' in to_xml(JobCard(replace(old, status='running')))

def fill(path, n):
    "A table with `n` jobs, without `n` submits"
    manager = BackgroundTaskManager(open_db(path))
    manager.store.link.conn.execute("""WITH RECURSIVE i(n) AS (SELECT 0 UNION ALL SELECT n+1 FROM i WHERE n<?-1)
        INSERT INTO tenant_jobs (id, job_type, status, payload, created_at, started_at, completed_at)
        SELECT printf('%032x', n), 'type'||(n%7),
            CASE n%50 WHEN 0 THEN 'failed' WHEN 1 THEN 'pending' ELSE 'completed' END, '{}',
            '2026-11-23T12:00:00.000000+00:00', '2026-11-23T12:00:00.000000+00:00',
            CASE n%50 WHEN 1 THEN NULL ELSE '2026-11-23T12:00:01.000000+00:00' END FROM i""", (n,))
    return manager

def test_pages_walk_through_a_large_table_once(tmp_path):
    "Each job once, newest first, in each filter, while new ones come in"
    manager = fill(str(tmp_path/'big.db'), 6_000)
    few = Query(type='type3', status='failed', size=7)
    for query,n in ((Query(size=500), 6_000), (Query(status='failed', size=100), 120), (few, 17)):
        seen = []
        while query:
            jobs,query = query.jobs(manager.store)
            seen += [o.id for o in jobs]
            manager.submit('type3', sync)
        assert len(seen)==len(set(seen))==n and seen==sorted(seen, reverse=True)
