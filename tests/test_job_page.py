"The page of a job: its time line, the lines of its log, and the buttons that no other page has"
import json,re
from dataclasses import replace
from datetime import timedelta

import pytest
from fastcore.xml import to_xml
from helpers import run

from tenant_tasks import JobDetails,TenantJob,View,current_job,task
from tenant_tasks.jobs.history import add_error,LogLine
from tenant_tasks.jobs.job import never,timestamp
from tenant_tasks.web.card import max_inline
from tenant_tasks.web.details import JobLog
from tenant_tasks.web.secrets import mask

@task(name='job_page.flaky')
def flaky(password):
    job = current_job()
    job.log(f'<script>alert(1)</script> logs in with {password}')
    job.log('api_key=zz9Plural7')
    job.step('login', lambda: f'ann with {password}')
    job.step('api_key', lambda: 'zz8Plural9')
    raise OSError('no route to <script>')

@task(name='job_page.plain')
def plain(): current_job().log('hello')

def words(o): return re.sub(r'\s+', ' ', re.sub('<[^>]+>', ' ', to_xml(o)))

def page(site, job_id): return site.client.get(f'/jobs/{job_id}').text
def press(site, job_id, what, **kw): return site.post(f'/jobs/{job_id}/{what}', **kw)

async def failed(manager):
    "A job that has failed with a step finished: three attempts, each with two lines and an error"
    return await run(manager, flaky, password='hunter42')

@pytest.fixture
def manager(site): return site.acme

async def test_the_time_line_tells_all_attempts_and_each_error_once(manager, site):
    "Newest first, down to the submit; nowhere else on the page is an error"
    job = await failed(manager)
    line = words(JobDetails(job, View(), manager.steps_of(job.id)))
    marks = ['Attempt 3 failed at', 'Attempt 2 failed at', 'Attempt 1 failed at', 'Step login at', 'Submitted at']
    assert [line.count(o) for o in marks]==[1]*5 and sorted(marks, key=line.index)==marks
    text = page(site, job.id)
    # Each error has a title and an end
    assert text.count('Traceback')==3 and text.count('OSError: no route to &lt;script&gt;')==6

def test_what_a_time_line_says_of_each_state(clock):
    "What is due, what runs, what was waited, and an end without an attempt"
    now,view = clock(),View(now=clock())
    def at(secs): return timestamp(now+timedelta(seconds=secs))
    def line(status, **kw): return words(JobDetails(TenantJob('1', 'x', status, created_at=at(-100), **kw), view))
    assert 'Due at 2026-11-23 12:01:00 UTC' in line('pending', run_at=at(60))
    for o in (at(-1), never, ''): assert 'Due at' not in line('pending', run_at=o)
    assert 'Attempt 1 started 8 s ago' in line('running', run_at=at(-90), started_at=at(-8))
    ended = line('completed', run_at=at(-90), started_at=at(-8), completed_at=at(-5))
    assert 'Attempt 1 completed at' in ended and 'took 3 s · after a wait of 1 min' in ended
    assert line('cancelled', completed_at=at(-5)).count('Cancelled at')==1
    again = dict(retry_count=1, error_log=add_error(None, 1, now, 'Traceback\nOSError: old'),
        attempt_log=json.dumps([[1, at(-9), at(-8), 'snoozed']]))
    assert 'Attempt 1 snoozed at' in line('failed', **again) and 'Attempt 1 failed at' in line('failed', **again)

async def test_lines_of_the_log_are_text_and_hide_secrets(manager, site):
    "Those of the payload, and those that their form gives away; `redact` sees each line, and shows none if it fails"
    job = await failed(manager)
    lines = manager.log_of(job.id)
    html = to_xml(JobLog(job, View(), lines))
    assert '&lt;script&gt;alert(1)&lt;/script&gt; logs in with ••••••' in html and html.count('<li')==9
    assert 'Attempt 3' in html
    def upper(o): return replace(o, progress_note=o.progress_note and o.progress_note.upper())
    assert 'LOGS IN' in to_xml(JobLog(job, View(redact=upper), lines))
    for redact in (lambda o: 1/0, lambda o: None): assert View(redact=redact).shown_lines(job, lines)==[]
    sql = "UPDATE tenant_jobs SET status='running', progress_note='<script>note'"
    manager.store.write(lambda conn: conn.execute(sql))
    parts = '&'.join(f'p={o}:{job.id}%20' for o in ('log','page','details'))
    for text in (page(site, job.id), site.client.get(f'/jobs/~live?{parts}').text):
        assert '&lt;script&gt;note' in text and 'logs in with' in text
        assert not [o for o in ('hunter42', 'zz9Plural7', 'zz8Plural9', '<script>note', '<script>alert') if o in text]

def test_lines_are_searched_one_by_one():
    "Two are no pair of a name and a value; paths are for operators; with too many secrets to search for there are none"
    def shown(*lines, payload=None, **kw):
        job = TenantJob('1', 'x', payload=payload)
        return [o.text for o in View(**kw).shown_lines(job, [LogLine(n, 1, '', o) for n,o in enumerate(lines)])]
    assert shown('token', 'found 12 files')==['token', 'found 12 files']
    path = "reads '/srv/acme/app/a.csv'"
    assert '/srv' not in shown(path)[0] and '/srv' in shown(path, internals=True)[0]
    line, = shown('hello', 'you', payload=json.dumps(dict(tokens=[f'tok-{i:07}' for i in range(6000)])))
    assert line.startswith('Not shown')

async def test_a_delayed_job_runs_now_by_its_button(manager, site):
    "And only that one has the button; others are refused with a reason"
    job_id,_ = manager.using(delay=3600).submit('sync', plain)
    due,_ = manager.submit('sync', plain)
    assert f'/jobs/{job_id}/run"' in page(site, job_id) and '/run"' not in page(site, due)
    assert press(site, job_id, 'run').url.path==f'/jobs/{job_id}'
    assert manager.get_job(job_id).run_at<=timestamp(manager.clock()) and '/run"' not in page(site, job_id)
    manager.cancel_job(job_id)
    res = press(site, job_id, 'run', live=True)
    assert res.status_code==409 and 'must be pending to be rescheduled' in res.text

async def test_restart_forgets_the_finished_steps(manager, site):
    "It asks first, and runs after the response; a job without steps has no such button"
    job = await failed(manager)
    live = site.client.get(f'/jobs/~live?p=page:{job.id}%20x').text
    for o in (page(site, job.id), live): assert f'/jobs/{job.id}/restart"' in o and o.count('class="tt-acts"')==1
    other,_ = manager.submit('sync', plain)
    manager.cancel_job(other)
    assert '/restart"' not in page(site, other)
    asked = 'Forget 2 finished steps and start again?'
    for live,status in ((False, 200), (True, 428)):
        res = press(site, job.id, 'restart', live=live)
        assert res.status_code==status and asked in res.text
    assert manager.steps_of(job.id) and len(manager.get_job(job.id).attempts)==3
    assert press(site, job.id, 'restart', sure='1').url.path==f'/jobs/{job.id}'
    assert len(manager.get_job(job.id).attempts)==6
    press(site, other, 'restart')
    assert manager.get_job(other).status!='cancelled'

def test_times_are_told_by_the_managers_clock(manager, site):
    "On each page of a tenant and of the operator, on each part of a card, and in what a button answers"
    job_id,_ = manager.submit('sync', plain)
    manager.clock.advance(3*60)
    told,parts = 'submitted 3 min ago',f'~live?p=job:{job_id}%20&p=details:{job_id}%20&p=page:{job_id}%20'
    for base in ('/jobs', '/ops/acme/jobs'):
        for o in (job_id, parts): assert told in site.client.get(f'{base}/{o}').text, (base, o)
    for path in ('/jobs', '/ops'): assert '>3 min<' in site.client.get(path).text
    answer = press(site, job_id, 'retry').text
    assert told in answer and 'must be failed or cancelled' in answer

# -- the newest lines on a card

def lines_of(manager, job_id, *lines):
    sql = "INSERT INTO tenant_job_log (job_id, n, attempt, at, text) VALUES (?,?,1,'',?)"
    for n,o in enumerate(lines): manager.store.write(lambda conn: conn.execute(sql, (job_id, n+1, o)))

def test_a_running_card_has_the_newest_lines(manager, site):
    "Masked and few; none on the job's page, of an ended job, or beside texts too long to search"
    job_id,_ = manager.submit('sync', flaky, password='hunter42')
    lines_of(manager, job_id, 'one', 'two', '<b>three', 'with hunter42', 'five')
    def asked(kind='job', token=''): return site.client.get(f'/jobs/~live?p={kind}:{job_id}%20{token}').text
    def set(column, v): manager.store.write(lambda conn: conn.execute(f'UPDATE tenant_jobs SET {column}=?', (v,)))
    assert 'tt-lines' not in asked()
    set('status', 'running')
    text = asked()
    assert re.findall('<li>(.*?)</li>', text)==['&lt;b&gt;three', f'with {mask}', 'five']
    assert 'tt-lines' not in asked('page')
    token = re.search('data-tt-token="(.*?)"', text)[1]
    lines_of(manager, 'other', 'not of this job')
    assert asked(token=token)==''
    manager.store.write(lambda conn: conn.execute("INSERT INTO tenant_job_log VALUES (?,6,1,'','six')", (job_id,)))
    assert '>six<' in asked(token=token)
    set('payload', json.dumps(dict(password='hunter42', more='x'*max_inline)))
    assert 'tt-lines' not in asked()

def test_a_page_gets_the_newest_lines_of_a_log(manager, site):
    "Masked, with the number of each attempt, and how many are older; nothing while the log is the same"
    job_id,_ = manager.submit('sync', flaky, password='hunter42')
    lines_of(manager, job_id, *[f'line {i}' for i in range(205)])
    def asked(token=''):
        text = site.client.get(f'/jobs/~live?p=log:{job_id}%20{token}').text
        return text,re.findall('<span[^>]*>(.*?)</span>', text)
    first,texts = asked()
    token = re.search('data-tt-token="(.*?)"', first)[1]
    assert texts==[f'line {i}' for i in range(5, 205)] and '5 older lines' in first and asked(token)[0]==''
    sql = "INSERT INTO tenant_job_log VALUES (?,206,2,'','hunter42')"
    manager.store.write(lambda conn: conn.execute(sql, (job_id,)))
    more,texts = asked(token)
    assert texts[-2:]==['line 204', mask] and '6 older lines' in more and more.count('Attempt')==2
