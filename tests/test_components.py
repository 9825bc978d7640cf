"Components: what they hide, rows that make no sense, and what a page of a large list costs"
import json
from dataclasses import replace
from datetime import timedelta

from fastcore.xml import to_xml
from helpers import connections,open_db

from tenant_tasks.job import *
from tenant_tasks.task import *
from tenant_tasks.manager import *
from tenant_tasks.secrets import *
from tenant_tasks.views import *
from tenant_tasks.components import *
from tenant_tasks.tables import *
from tenant_tasks.charts import *

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

def test_times_are_told_by_the_clock_of_all_views(clock, monkeypatch):
    "On a card, in a notebook, in a list; the time of a view goes before"
    job = TenantJob('1', 'x', 'running', created_at=timestamp(clock()), started_at=timestamp(clock()))
    monkeypatch.setattr(View, 'clock', clock)
    clock.advance(3*60)
    for o in (to_xml(job), job._repr_html_(), to_xml(JobTable([job]))): assert '3 min' in o
    assert 'running for 10 min' in to_xml(JobCard(job, View(now=clock()+timedelta(minutes=7))))

def test_a_card_shows_long_texts_only_if_asked():
    "So it costs little on an event loop; a card is as short, whether a route returns the job or makes the card"
    job = TenantJob('1', 'x', 'completed', json.dumps(dict(token='k-12345678')), json.dumps('y'*max_inline))
    for o in (JobCard(job), JobCard(job, View('/jobs')), job.__ft__()):
        assert 'yyy' not in to_xml(o) and 'Too long' in to_xml(o)
    for o in (to_xml(JobCard(job, full=True)), job._repr_html_()): assert 'yyy' in o and 'k-12345678' not in o

def test_unreadable_rows_are_shown_all_the_same():
    "Rows from another program: no JSON, no times, unknown states"
    odd = TenantJob('../x?y#z', '', 'weird', 'oops', 'oops', 'plain text', None, None, run_at='tomorrow',
        created_at='yesterday',
        started_at='x', completed_at='y')
    for status in (*statuses, 'weird', ''):
        o = replace(odd, status=status)
        assert 'oops' not in to_xml((JobCard(o), JobDetails(o), JobTable([o], View('/jobs', True, 't'), Query())))
    lone = TenantJob('1', 'x', 'completed', '{"a": "\\ud800"}', '"\\ud800"')
    to_xml((JobCard(lone), JobDetails(lone))).encode()

def test_a_notebook_shows_no_secrets():
    "Neither the card nor the table of all fields below it"
    job = TenantJob('1', 'x', 'failed', '{"password": "hunter42"}', error_log='hunter42 is wrong',
        progress_note='<script>')
    html = job._repr_html_()
    assert 'hunter42' not in html and '<script' not in html and 'all fields' in html

def test_a_secret_is_masked_in_every_spelling():
    "As it is, and escaped as in JSON; in rows too, an app's own `redact` has the last word"
    secret = 'pass"wörd'
    text = json.dumps(secret)
    job = TenantJob('1', 'x', 'completed', json.dumps(dict(password=secret)), json.dumps(dict(said=text)),
        f'{secret} and {text}')
    shown = hide_secrets(job)
    assert not [o for o in (secret, text[1:-1]) if o in shown.error_log+shown.result] and shown.error_log.count(mask)==2
    view = View(redact=lambda job: replace(job, job_type='hidden'))
    assert 'hidden' in to_xml(JobTable([job], view)) and '>x<' not in to_xml(JobTable([job], view))

def test_no_pages_no_links():
    "Without the address of the pages there are neither links, nor buttons, nor requests; with it, odd ids are quoted"
    job = TenantJob('../x?y#z', 'x')
    lone,linked = (to_xml((JobCard(job, o), JobTable([job], o, Query()))) for o in (View(act=True),
        View('/jobs', act=True)))
    assert not [o for o in ('href', 'hx-get', '<form', '<button') if o in lone]
    assert 'href="/jobs/..%2Fx%3Fy%23z"' in linked and 'action="/jobs/..%2Fx%3Fy%23z/cancel"' in linked

def test_a_row_made_once_is_shown_only_to_those_who_see_the_same():
    "Viewers who may act, other pages, other secrets and a `redact` have rows of their own; the times are the script's"
    job = TenantJob('1', 'secret-iban k-12345678', 'failed', '{"iban": "k-12345678"}', created_at=timestamp(utcnow()))
    def html(**kw):
        return to_xml(JobRows([job], View(**{**dict(base='/jobs', now=utcnow()), **kw}), Query(), live=True))
    first = html()
    assert 'k-12345678' in first and 'checkbox' not in first and 'href="/jobs/1"' in first
    assert 'k-12345678' not in html(secret=('iban',)) and 'checkbox' in html(act=True)
    assert 'href="/ops/1"' in html(base='/ops')
    assert 'hidden' in html(redact=lambda job: replace(job, job_type='hidden')) and 'hidden' not in html()

def test_how_long_a_job_took_is_told_of_its_last_run():
    "A pending one isn't running, whatever it did before; the time between attempts is no time that it took"
    now = utcnow()
    def at(secs): return timestamp(now+timedelta(seconds=secs))
    old = TenantJob('1', 'x', 'pending', created_at=at(-7200), started_at=at(-7000), retry_count=1, run_at=at(60))
    for text in (to_xml(JobCard(old)), to_xml(JobTable([old]))): assert '1 h' not in text
    assert '2 h' in to_xml(JobTable([old]))
    done = replace(old, status='completed', started_at=at(-1), completed_at=at(-.999))
    assert 'last attempt took 1 ms' in to_xml(JobCard(done))
    assert 'took 1 ms' in to_xml(JobCard(replace(done, retry_count=0)))
    assert '1 h' not in to_xml(JobTable([replace(done, status='cancelled', started_at=at(-7000))]))
    assert 'running for 1 h' in to_xml(JobCard(replace(old, status='running')))

def test_query_ignores_nonsense():
    "What a list can't be asked for is left out"
    odd = dict(status='done', type='a&b', id=' 0c ', below='9'*19, size='7')
    assert str(Query.of(odd))=='type=a%26b&id=0c' and Query.of(odd).size==50
    assert str(Query.of(dict(status='failed', below='17')))=='status=failed&below=17'

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
    "Each job once, newest first, in each filter, while new ones come in; and no page scans or sorts the table"
    manager = fill(str(tmp_path/'big.db'), 6_000)
    filtered = (Query(size=500), 6_000),(Query(status='failed', size=100),
        120),(Query(type='type3', status='failed', size=7), 17)
    for query,n in filtered:
        seen = []
        while query:
            jobs,query = query.jobs(manager.store)
            seen += [o.id for o in jobs]
            manager.submit('type3', sync)
        assert len(seen)==len(set(seen))==n and seen==sorted(seen, reverse=True)
    conns,sql = connections(manager.store.link),[]
    for o in conns: o.exec_trace = lambda c,s,b: sql.append((s,b)) or True
    failed = Query(status='failed', below=500),Query(type='type3', status='failed', below=9)
    for q in (Query(), Query(below=500), *failed, Query(id='0000')): q.jobs(manager.store)
    manager.store.types()
    manager.store.stats(count_limit)
    for o in conns: o.exec_trace = None
    plans = [[o[3] for o in conns[0].execute('EXPLAIN QUERY PLAN '+s, b)] for s,b in sql if 'SELECT' in s]
    assert [o for o in plans[0]]==['SCAN tenant_jobs'], 'the newest page reads the table from its end'
    assert not [o for plan in plans[1:] for o in plan if 'TEMP B-TREE' in o or o=='SCAN tenant_jobs'], plans

def test_a_page_of_a_large_table_costs_what_one_of_a_small_table_does(tmp_path):
    "SQLite counts its own steps: the same for both, so no clock is needed"
    steps = {}
    for n in (5_000, 50_000):
        store = fill(str(tmp_path/f'{n}.db'), n).store
        for q in (Query(), Query(status='failed'), Query(type='type3', below=n//2), Query(id=f'{n//2:032x}'[:30])):
            def count():
                steps[n,str(q)[:6]] = steps.get((n,str(q)[:6]), 0)+1
                return False
            for o in connections(store.link): o.set_progress_handler(count, 10)
            q.jobs(store)
            store.types()
            for o in connections(store.link): o.set_progress_handler(None, 0)
    assert len(steps)==8
    for _,q in {k for k in steps}: assert steps[50_000,q]<1.2*steps[5_000,q]+20, (q, steps)
