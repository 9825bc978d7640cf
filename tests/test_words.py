"The pages in another language: no English is left but what jobs say themselves"
import html,re
from importlib import import_module

import pytest
from fasthtml.common import Client,fast_app
from helpers import marked

from tenant_tasks import *
from tenant_tasks.jobs.job import never,timestamp
from tenant_tasks.jobs.history import add_error
from tenant_tasks.web.live import PageFiles
from tenant_tasks.web.words import set_translation

@task(name='xx.xx')
def xx(**kw): return kw

@pytest.fixture
def marks():
    set_translation(marked)
    yield
    set_translation()

def seen(page):
    "What people see or hear of a page; what stands in a `pre` is code or a job's"
    page = re.sub('(?s)<(script|style|noscript|pre).*?</\\1>|<!--.*?-->', ' ', page)
    said = re.findall(r'(?:aria-label|title|placeholder|alt|data-tt-(?:what|title|copy))="([^"]*)"', page)
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
    jobs_ui(app, lambda req: acme, lambda req: 'act', secret=['xxx'])
    operator_ui(app, tenants, lambda req: 'act')
    client = Client(app)
    at,log = timestamp(clock()),add_error(None, 1, clock(), 'xx: xx')
    long = dict(payload='{"xx": "xx", "xxx": "xxxxxxx1"}', created_at=at, error_log=log, retry_count=1, task='xx.xx')
    owner = dict(owner='x~y~1~00000000', claim='c', lease_until=timestamp(clock()), started_at=at, cancel_requested=1)
    over = dict(started_at=at, completed_at=at)
    kinds = dict(pending={}, running=owner, completed=dict(over, result='"xx"'), failed=over, cancelled=over)
    client.ids = [f'{n:032x}' for n in range(7)]
    acme.store.submit([
        *[TenantJob(o, 'xx', s, unique_key=o, **{**long, **kw}) for o,(s,kw) in zip(client.ids, kinds.items())],
        TenantJob(client.ids[5], 'xx', 'pending', run_at=never, batch=client.ids[5], created_at=at),
        TenantJob(client.ids[6], 'xx', 'pending', run_at='2027-01-01T00:00:00.000000+00:00', created_at=at)])
    def fill(conn):
        conn.execute("INSERT INTO tenant_job_log VALUES (?,7,1,?,'xx')", (client.ids[1], at))
        for name,kind in (('xxxx', 'step'), ('xxxxx', 'checkpoint')):
            conn.execute("INSERT INTO tenant_steps VALUES (?,?,?,?,'c','1')", (client.ids[3], name, kind, at))
        conn.execute('UPDATE tenant_jobs SET batch=? WHERE id<?', (client.ids[5], client.ids[2]))
    acme.store.write(fill)
    for o in ('xx', 'xxx'): acme.schedule(o, xx, every=3600)
    acme.pause_schedule('xx')
    acme.pause('xx')
    return client

def test_the_page_of_a_job_and_its_card_are_in_the_words_of_the_app(site):
    for o in site.ids:
        page = site.get(f'/jobs/{o}').text
        parts = '&'.join([f'p={part}:{o}%20' for part in ('job', 'full', 'details', 'log')])
        for text in (page, site.get(f'/jobs/~live?{parts}').text): assert not english(text), o
        token = re.search('name="csrf" value="([^"]+)"', page)[1] if 'csrf' in page else ''
        if 'restart"' in page: assert not english(site.post(f'/jobs/{o}/restart', data=dict(csrf=token)).text)
    assert not english(site.get('/jobs/~live?p=job:none%20').text)
    assert not english(site.post(f'/jobs/{o}/retry', headers={'tt-live':'1'}).text)

def test_lists_are_in_the_words_of_the_app(site, monkeypatch):
    module = import_module('tenant_tasks.jobs.task')
    for o in ('_tasks', '_limits'): monkeypatch.setattr(module, o, {}) # Those of other tests
    panels = [f'/jobs/~{o}' for o in ('numbers', 'schedules', 'limits', 'batches')]
    queries = '?status=cancelled&type=xxx', '?status=failed&last=day&text=xx'
    for o in ('/jobs', *[f'/jobs{o}' for o in queries], '/ops', '/ops/~all', '/ops/xx/jobs', *panels):
        assert not english(site.get(o).text), o

def test_the_script_comes_with_its_words(site):
    "At an address of their own; another one is no file"
    path = re.search('src="(/jobs/~[^"]*-js)"', site.get('/jobs').text)[1]
    assert '"just now": "\\u00abjust now\\u00bb"' in site.get(path).text.split('\n')[0]
    assert site.get(path.replace('/~', '/~0')).status_code==404
    set_translation(str.upper)
    assert PageFiles('/jobs').address('js')!=path
