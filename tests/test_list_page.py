"The list of a tenant's jobs: what rows tell, tabs, failures by cause, acting on all that match"
import html,json,re
from datetime import timedelta

import pytest
from fasthtml.common import Client,fast_app

from tenant_tasks import views
from tenant_tasks.job import *
from tenant_tasks.task import *
from tenant_tasks.tenants import *
from tenant_tasks.secrets import *
from tenant_tasks.pages import *

evil = '"\'><script>alert(1)</script>'

@task(name='list.fine')
def fine(**kw): return 42

class Site:
    "An app with one tenant, and a clock that is set"
    def __init__(self, folder, clock):
        self.clock = clock
        self.acme = Tenants(folder, clock=clock, sleep=clock.sleep).create('acme')
        self.may = 'act'
        app,_ = fast_app(secret_key='x')
        jobs_ui(app, lambda req: self.acme, lambda req: self.may, secret=['iban'])
        self.client = Client(app)

    def add(self, status='failed', job_type='import_csv', error=None, **kw):
        "A job in a state, whose last attempt ended with an error"
        log = error and add_error(None, 1, self.clock(), f'Traceback …\n{error}')
        at = timestamp(self.clock())
        kw = dict(payload='{}', created_at=at, completed_at=at if status in final_statuses else None) | kw
        job = TenantJob(new_id(), job_type, status, error_log=log, function='list.fine', task='list.fine', **kw)
        self.acme.store.submit([job])
        return job.id

    def get(self, path='/jobs'): return html.unescape(self.client.get(path).text)
    def csrf(self): return re.search(r'name="csrf" value="([^"]+)"', self.client.get('/jobs').text)[1]
    def post(self, path, live=False, **form):
        headers = {'tt-live':'1'} if live else {}
        return self.client.post(path, data=dict(form, csrf=self.csrf()), headers=headers, follow_redirects=True)

@pytest.fixture
def site(tmp_path, clock): return Site(tmp_path, clock)

# -- rows

def test_rows_tell_arguments_error_and_when_a_job_is_due(site):
    site.add(error='OSError: no such host', payload=json.dumps(dict(name='sales.csv', n=3)))
    assert 'name="sales.csv", n=3' in site.get() and '>OSError: no such host<' in site.get() and 'Traceback' not in site.get()
    site.add('pending', run_at=timestamp(site.clock()+timedelta(minutes=5)))
    site.add('pending', run_at=never)
    assert '>in 5 min</time>' in site.get() and 'after its batch' in site.get()
    site.add('completed', error='KeyError: done since')
    assert 'done since' not in site.get()

def test_rows_show_no_secret(site):
    "Of arguments, results, errors and earlier ones; known by name, by the app's list, and repeated; nor a piece of one at a cut"
    long = 'k'+''.join(f'{i:05d}x' for i in range(300))
    for pad in (0, 30, 110, 150, 290, 3990):
        payload = json.dumps(dict(pad='p'*pad, password='hunter42', deep=[dict(iban='DE00-1234')], token=long))
        site.add(error=f"ValueError: {'p'*pad} hunter42 DE00-1234 {long}", payload=payload)
        site.add(error=f"ValueError: {'p'*pad} {long}", payload='{}', result=json.dumps(dict(token=long)))
        site.add(error=f"ValueError: {long[:900]}\n{long}\n{long[900:]}", payload=json.dumps(dict(token=f'{long[:900]}\n{long}\n{long[900:]}')))
        site.add(error='hunter42', payload=json.dumps(dict(pad='p'*20_000, password='hunter42')))
    text = site.get()
    assert text.count('<tr')==25 and mask in text
    for o in ('hunter42', 'DE00-1234', long[1200:1230], long[:40]): assert o not in text, o

def test_texts_of_rows_are_text(site):
    site.add(error=f'ValueError: {evil}', payload=json.dumps({evil:evil}))
    raw = site.client.get('/jobs').text
    assert '<script>alert' not in raw and raw.count('alert(1)')>=3

def test_long_texts_cost_little(site, monkeypatch):
    "Fifty rows of a megabyte each: a note in place of the arguments, the name of the error alone, and no search in them"
    payload = json.dumps(dict(text='word '*200_000, password='hunter42'))
    for _ in range(50): site.add(error='Traceback\n'*50_000+'requests.ConnectionError: hunter42', payload=payload)
    searched = []
    def counted(job, more=()):
        searched.append(sum(len(o or '') for o in (job.payload, job.result, job.error_log)))
        return hide_secrets(job, more)
    monkeypatch.setattr(views, 'hide_secrets', counted)
    text = site.get()
    assert searched and sum(searched)<200*100
    assert text.count(f'{len(payload):,} characters of arguments')==50 and '>requests.ConnectionError<' in text and 'hunter42' not in text
    site.add('pending', payload='[1]')
    site.add('pending', payload='{"a": "\\ud800"}')
    assert site.client.get('/jobs').status_code==200

# -- what an empty list says

def test_an_empty_list_teaches(site):
    "How to submit a first job; a filter that matches nothing says that instead, and leads back"
    assert 'No jobs yet.' in site.get() and 'manager.submit(' in site.get()
    for path in ('/jobs?status=failed', '/jobs?type=x', '/jobs?id=0c', '/jobs?batch=b', '/jobs?like=x'):
        text = site.get(path)
        assert 'No jobs match' in text and '>Show all jobs</a>' in text and 'No jobs yet' not in text, path
    site.add()
    assert 'No jobs' not in site.get() and 'No jobs match' in site.get('/jobs?status=pending')

# -- tabs

def tabs(text): return re.search('<nav aria-label="By status".*?</nav>', text, re.S)[0]

def test_tabs_count_and_say_where_people_are(site):
    "Counts where nothing else is filtered; one tab is the current one; the type is kept, the page isn't"
    for o in ('failed', 'failed', 'pending'): site.add(o)
    def words(path): return re.sub(r'\s+', ' ', re.sub('<[^>]*>', '', tabs(site.get(path)))).strip()
    assert words('/jobs')=='AllPending 1Running 0Completed 0Failed 2Cancelled 0'
    assert words('/jobs?type=x')=='AllPendingRunningCompletedFailedCancelled'
    def current(path): return re.findall(r'<a href="([^"]*)"[^>]*aria-current="page"', tabs(site.get(path)))
    assert current('/jobs')==['/jobs'] and current('/jobs?status=failed&below=9&type=x')==['/jobs?status=failed&type=x']
    assert current('/jobs?id=0')==[]
    part = re.search('data-tt-part="(tabs:[^"]*)"', site.get('/jobs?status=failed'))[1]
    site.add()
    assert 'Failed' in site.client.get('/jobs/~live', params=[('p', f'{part} old')]).text and words('/jobs').endswith('Failed 3Cancelled 0')

# -- failures by cause

def kinds(text): return [re.sub(r'\s+', ' ', re.sub('<[^>]*>', '', o)).strip() for o in re.findall('<li>.*?</li>', text, re.S)]

def test_failures_are_grouped_and_lead_to_their_list(site):
    "By type and error without its numbers, the most frequent first, since when; the list has these and no others"
    ids = [site.add(error=f'ConnectionError: port {i} is closed') for i in range(3)]
    first = utc(site)
    other = site.add(error='KeyError: x', job_type='sync')
    site.clock.advance(60)
    ids.append(site.add(error='ConnectionError: port 7 is closed'))
    assert kinds(site.get())==[f'import_csv ConnectionError: port # is closed ×4 since {first}', f'sync KeyError: x ×1 since {first}']
    url = re.search('<li>\\s*<a href="([^"]*)"', site.get())[1]
    text = site.get(url)
    assert re.findall('id="job-(\\w+)-row"', text)==sorted(ids, reverse=True) and other not in text
    assert 'Failures like that of job' in text and kinds(text)==[] and kinds(site.get('/jobs?status=pending'))==[]
    assert 'KeyError' in site.client.get('/jobs/~live?p=failures:%20x').text
    site.clock.advance(90_000)
    assert kinds(site.get())==[]

def utc(site): return timestamp(site.clock())[:19].replace('T', ' ')+' UTC'

def test_failures_show_no_secret(site):
    "Neither in words nor in addresses; and what the error says is text"
    site.add(error='ValueError: hunter42 is wrong', payload=json.dumps(dict(password='hunter42')))
    site.add(error=evil, job_type=evil)
    raw = site.client.get('/jobs').text
    assert 'hunter42' not in raw and f'ValueError: {mask} is wrong ×1' in kinds(html.unescape(raw))[1]+kinds(html.unescape(raw))[0]
    assert '<script>alert' not in raw
    for url in re.findall('<li>\\s*<a href="([^"]*)"', raw):
        assert '<script>alert' not in (text := site.client.get(html.unescape(url)).text) and 'hunter42' not in text
    assert '<script>alert' not in site.client.get('/jobs', params=dict(like=evil, type=evil, batch=evil)).text

# -- all that match

def count(site, status): return site.acme.store.stats()[0][status]

def test_all_that_match_are_retried_or_cancelled(site):
    "After a question, with a summary; those of other pages too, and none that the filter leaves out"
    for i in range(60): site.add(error='OSError: full', job_type=f't{i%2}')
    assert 'Retry all 60 failed' in site.get('/jobs?status=failed') and 'Retry all' not in site.get()
    assert 'Retry all failed jobs that match' in site.get('/jobs?status=failed&type=t1')
    asked = site.post('/jobs/all?status=failed&type=t1', do='retry')
    assert 'Retry all failed jobs that match?' in asked.text and count(site, 'failed')==60
    form = dict(re.findall('name="(do|sure|csrf)" value="([^"]*)"', asked.text))
    res = site.client.post(html.unescape(re.search('action="([^"]+)"', asked.text)[1]), data=form, follow_redirects=True)
    assert str(res.url).endswith('/jobs?status=failed&type=t1') and '30 jobs retried.' in res.text
    assert {o.job_type for o in site.acme.list_jobs(status='failed')}=={'t0'}
    asked = site.post('/jobs/all?status=failed&below=5', live=True, do='retry')
    assert (asked.status_code, asked.text)==(428, 'Retry all 30 failed jobs?')
    assert site.post('/jobs/all?status=failed&below=5', live=True, do='retry', sure='1').text=='30 jobs retried.'
    for _ in range(3): site.add('pending', run_at=never)
    assert f"Cancel all {count(site, 'pending')} pending" in site.get('/jobs?status=pending')
    site.post('/jobs/all?status=pending', do='cancel', sure='1')
    assert count(site, 'pending')==0

def test_all_that_failed_alike(site):
    site.add(error='KeyError: x')
    ids = [site.add(error=f'OSError: port {i}') for i in range(3)]
    assert site.post(f'/jobs/all?like={ids[1]}', live=True, do='retry', sure='1').text=='3 jobs retried.'
    assert count(site, 'failed')==1 or 'KeyError' in site.get('/jobs?status=failed')
    secret = site.add(error='ValueError: hunter42', payload=json.dumps(dict(password='hunter42')))
    res = site.post(f'/jobs/all?like={secret}', live=True, do='retry', sure='1')
    assert res.status_code==409 and 'hidden' in res.text and site.acme.get_job(secret).status=='failed'
    assert 'No jobs match' in site.post('/jobs/all?like=unknown', live=True, do='retry', sure='1').text

def test_many_are_left_to_a_job(site):
    for _ in range(501): site.add(error='OSError: full')
    res = site.post('/jobs/all?status=failed', live=True, do='retry', sure='1')
    assert re.fullmatch(r'They are many: job \w+ retries them in the background\.', res.text)

def test_who_may_act_on_all(site):
    "Those who may act, with their session's token, on a list that has such jobs"
    site.add()
    bad = '/jobs/all', '/jobs/all?status=completed', '/jobs/all?status=pending', '/jobs/all?status=failed&id=0'
    assert [site.post(o, do='retry', sure='1').status_code for o in bad]==[400]*4
    assert site.post('/jobs/all?status=failed', do='delete', sure='1').status_code==400
    csrf = site.csrf()
    assert site.client.post('/jobs/all?status=failed', data=dict(do='retry', sure='1')).status_code==403
    for may,status in (('read', 403), (None, 404)):
        site.may = may
        assert site.client.post('/jobs/all?status=failed', data=dict(do='retry', sure='1', csrf=csrf)).status_code==status
        assert 'Retry all' not in site.get('/jobs?status=failed')
    assert count(site, 'failed')==1
