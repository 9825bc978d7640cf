"What the pages say is in one dict: with other words in it, no English is left but what jobs say themselves"
import html,re

import pytest
from fasthtml.common import Client,fast_app
from helpers import marked

from tenant_tasks.job import *
from tenant_tasks.task import *
from tenant_tasks.tenants import *
from tenant_tasks.views import *
from tenant_tasks.live import *
from tenant_tasks.pages import *
from tenant_tasks.operators import *

@task(name='xx.xx')
def xx(**kw): return kw

@pytest.fixture
def marks(monkeypatch):
    for k,v in texts.items(): monkeypatch.setitem(texts, k, marked(k, v))

def seen(page):
    "What people see or hear of a page"
    page = re.sub('(?s)<(script|style|noscript|pre).*?</\\1>|<!--.*?-->', ' ', page) # What stands in a `pre` is code or a job's
    said = re.findall(r'(?:aria-label|title|placeholder|alt|data-tt-what|data-tt-title|data-tt-copy)="([^"]*)"', page)
    return html.unescape(' '.join([*re.findall('<title>(.*?)</title>', page), re.sub('(?s)<[^>]*>', ' ', page), *said]))

def english(page):
    "The words that are neither marks nor of a job; a job of these tests says nothing but x"
    rest = re.sub('«[^«»]*»|── attempt .*', ' ', seen(page)) # The log of errors is text in the row
    return {o for o in re.findall(r"[^\W\d_]{2,}", rest) if not re.fullmatch('x+', o)}-{'UTC'}

@pytest.fixture
def site(tmp_path, clock, marks):
    tenants = Tenants(tmp_path, clock=clock)
    acme = tenants.create('xx')
    app,_ = fast_app(secret_key='x')
    jobs_ui(app, lambda req: acme, lambda req: 'act', secret=['xxx'], edit=True)
    operator_ui(app, tenants, lambda req: 'act')
    client = Client(app)
    at,log = timestamp(clock()),add_error(None, 1, clock(), 'xx: xx')
    long = dict(payload='{"xx": "xx", "xxx": "xxxxxxx1"}', created_at=at, error_log=log, retry_count=1, task='xx.xx')
    owner = dict(owner='x~y~1~00000000', claim='c', lease_until=timestamp(clock()), started_at=at, cancel_requested=1)
    kinds = dict(pending={}, running=owner, completed=dict(result='"xx"'), failed={}, cancelled={})
    client.ids = [f'{n:032x}' for n in range(7)]
    jobs = [TenantJob(id, 'xx', s, unique_key=id, **{**long, **kw, **({'completed_at':at, 'started_at':at} if s in final_statuses else {})})
        for id,(s,kw) in zip(client.ids, kinds.items())]
    jobs += [TenantJob(client.ids[5], 'xx', 'pending', run_at=never, batch=client.ids[5], created_at=at),
        TenantJob(client.ids[6], 'xx', 'pending', run_at='2027-01-01T00:00:00.000000+00:00', created_at=at)]
    acme.store.submit(jobs)
    def fill(conn):
        conn.execute("INSERT INTO tenant_job_log VALUES (?,7,1,?,'xx')", (client.ids[1], at))
        for kind in ('step','checkpoint'): conn.execute('INSERT INTO tenant_steps VALUES (?,?,?,?,?,?)', (client.ids[3], 'x'*len(kind), kind, at, 'c', '1'))
        conn.execute('UPDATE tenant_jobs SET batch=? WHERE id<?', (client.ids[5], client.ids[2]))
    acme.store.write(fill)
    return client

def test_the_page_of_a_job_and_its_card_are_in_the_words_of_the_app(site):
    for o in site.ids:
        page = site.get(f'/jobs/{o}').text
        assert not english(page), o
        assert not english(site.get(f'/jobs/~live?p=job:{o}%20&p=full:{o}%20&p=details:{o}%20&p=log:{o}%20').text), o
        token = re.search('name="csrf" value="([^"]+)"', page)[1] if 'csrf' in page else ''
        if 'restart"' in page: assert not english(site.post(f'/jobs/{o}/restart', data=dict(csrf=token)).text)
        if '/edit"' not in page: continue
        for typed in ('oops', '[]', '{}', '{"xx": "••••••", "xxx": 1}', '"'+'x'*100_000):
            assert not english(site.post(f'/jobs/{o}/edit', data=dict(csrf=token, args=typed), headers={'tt-live':'1'}).text), typed
    assert not english(site.get('/jobs/~live?p=job:none%20').text) and not english(site.post(f'/jobs/{o}/retry', headers={'tt-live':'1'}).text)

def test_lists_are_in_the_words_of_the_app(site):
    paths = ['/jobs', '/jobs?status=cancelled&type=xxx', '/jobs?status=failed&last=day&text=xx', '/ops', '/ops/xx']
    for o in [*paths, *[f'/jobs/~{o}' for o in ('numbers', 'schedules', 'limits', 'batches')]]: assert not english(site.get(o).text), o

def test_the_script_comes_with_its_words(site):
    "At an address of their own; another one is no file"
    path = re.search('src="(/jobs/~[^"]*-js)"', site.get('/jobs').text)[1]
    assert '"js_lost": "\\u00abjs_lost\\u00bb"' in site.get(path).text.split('\n')[0]
    assert site.get(path.replace('/~', '/~0')).status_code==404 and path!=PageFiles('/jobs').address('js').replace('~', '~0')
    other = PageFiles('/jobs')
    texts['js_lost'] = 'gone'
    assert other.address('js')!=path

def test_words_that_english_finds():
    "So that the tests above find what they look for"
    assert english('<title>Jobs</title><p title="«a»Due">«took»3 s <b>xx</b> failed</p><script>let no</script>')=={'Jobs', 'Due', 'failed'}
