"The page of a job: its time line, the lines of its log, and the buttons that no other page has"
import html,json,re
from dataclasses import replace
from datetime import timedelta

import pytest
from fastcore.xml import to_xml
from fasthtml.common import Client,fast_app
from helpers import run

from tenant_tasks import JobDetails,TenantJob,View,current_job,jobs_ui,task
from tenant_tasks.jobs.history import add_error,LogLine
from tenant_tasks.jobs.job import never,timestamp
from tenant_tasks.web.card import max_inline
from tenant_tasks.web.details import JobLog
from tenant_tasks.web.secrets import mask,read_json

@task(name='job_page.flaky')
def flaky(password):
    job = current_job()
    job.log(f'<script>alert(1)</script> logs in with {password}')
    job.log('api_key=zz9Plural7')
    job.step('login', lambda: 'ann')
    raise OSError('no route to <script>')

@task(name='job_page.plain')
def plain(): current_job().log('hello')

def words(o): return re.sub(r'\s+', ' ', re.sub('<[^>]+>', ' ', to_xml(o)))

async def failed(manager):
    "A job that has failed with a step finished: three attempts, each with two lines and an error"
    return await run(manager, flaky, password='hunter42')

class Site:
    def __init__(self, manager, **kw):
        self.manager,self.may = manager,'act'
        app,_ = fast_app(secret_key='x')
        jobs_ui(app, lambda req: manager, lambda req: self.may, **kw)
        self.client = Client(app)

    def text(self, job_id): return self.client.get(f'/jobs/{job_id}').text
    def press(self, job_id, act, form={}, **kw):
        token = re.search(r'name="csrf" value="([^"]+)"', self.client.get('/jobs').text)
        form = dict(form, csrf=token[1] if token else '')
        return self.client.post(f'/jobs/{job_id}/{act}', data=form, follow_redirects=False, **kw)
    def typed(self, job_id, args, **kw):
        "Retry a job with what is typed, which may be a value or a text"
        return self.press(job_id, 'edit', dict(args=args if isinstance(args, str) else json.dumps(args)), **kw)

    def offered(self): return json.loads(in_form(self.text(self.id)) or 'null')

    def fail(self, **kw):
        "Make the job failed, with other columns: the job"
        sets = ''.join(f', {k}=:{k}' for k in kw)
        sql = f"UPDATE tenant_jobs SET status='failed'{sets} WHERE id=:id"
        self.manager.store.write(lambda conn: conn.execute(sql, dict(kw, id=self.id)))
        return self.manager.get_job(self.id)

@pytest.fixture
def site(manager): return Site(manager)

async def test_the_time_line_tells_all_attempts_and_each_error_once(manager, site):
    "Newest first, down to the submit; nowhere else on the page is an error"
    job = await failed(manager)
    line = words(JobDetails(job, View(), manager.steps_of(job.id)))
    marks = ['Attempt 3 failed at', 'Attempt 2 failed at', 'Attempt 1 failed at', 'Step login at', 'Submitted at']
    assert [line.count(o) for o in marks]==[1]*5 and sorted(marks, key=line.index)==marks
    page = site.text(job.id)
    # Each error has a title and an end
    assert page.count('Traceback')==3 and page.count('OSError: no route to &lt;script&gt;')==6

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
    "Those of the payload, and those that their form gives away; a note with markup is text too"
    job = await failed(manager)
    html = to_xml(JobLog(job, View(), manager.log_of(job.id)))
    assert '&lt;script&gt;alert(1)&lt;/script&gt; logs in with ••••••' in html and html.count('<li>')==6
    assert 'Attempt 3' in html
    sql = "UPDATE tenant_jobs SET status='running', progress_note='<script>note'"
    manager.store.write(lambda conn: conn.execute(sql))
    parts = '&'.join(f'p={o}:{job.id}%20' for o in ('log','page','details'))
    for text in (site.text(job.id), site.client.get(f'/jobs/~live?{parts}').text):
        assert '&lt;script&gt;note' in text and 'logs in with' in text
        assert not [o for o in ('hunter42', 'zz9Plural7', '<script>note', '<script>alert') if o in text]

async def test_redact_sees_each_line_and_one_that_fails_shows_none(manager):
    job = await failed(manager)
    lines = manager.log_of(job.id)
    def upper(o): return replace(o, progress_note=o.progress_note and o.progress_note.upper())
    assert 'LOGS IN' in to_xml(JobLog(job, View(redact=upper), lines))
    for redact in (lambda o: 1/0, lambda o: None): assert View(redact=redact).shown_lines(job, lines)==[]

def test_lines_are_searched_one_by_one():
    "Two are no pair of a name and a value; paths are for operators; with too many secrets to search for there are none"
    job = TenantJob('1', 'x')
    def shown(*lines, job=job, **kw):
        return [o.text for o in View(**kw).shown_lines(job, [LogLine(n, 1, '', o) for n,o in enumerate(lines)])]
    assert shown('token', 'found 12 files')==['token', 'found 12 files']
    path = "reads '/srv/acme/app/a.csv'"
    assert '/srv' not in shown(path)[0] and '/srv' in shown(path, internals=True)[0]
    many = replace(job, payload=json.dumps(dict(tokens=[f'tok-{i:07}' for i in range(6000)])))
    line, = shown('hello', 'you', job=many)
    assert line.startswith('Not shown')

async def test_a_delayed_job_runs_now_by_its_button(manager, site):
    "And only that one has the button; one that is due keeps its place, others are refused with a reason"
    job_id,_ = manager.using(delay=3600).submit('sync', plain)
    due,_ = manager.submit('sync', plain)
    assert f'/jobs/{job_id}/run"' in site.text(job_id) and '/run"' not in site.text(due)
    before = manager.get_job(due).run_at
    assert site.press(due, 'run').status_code==303 and manager.get_job(due).run_at==before
    assert site.press(job_id, 'run').status_code==303
    assert manager.get_job(job_id).run_at<=timestamp(manager.clock()) and '/run"' not in site.text(job_id)
    manager.cancel_job(job_id)
    res = site.press(job_id, 'run')
    assert res.status_code==409 and 'must be pending to be rescheduled' in res.text

async def test_restart_forgets_the_finished_steps(manager, site):
    "It asks first, and runs after the response; a job without steps has no such button"
    job = await failed(manager)
    live = site.client.get(f'/jobs/~live?p=page:{job.id}%20x').text
    for o in (site.text(job.id), live): assert f'/jobs/{job.id}/restart"' in o and o.count('class="tt-acts"')==1
    other,_ = manager.submit('sync', plain)
    manager.cancel_job(other)
    assert '/restart"' not in site.text(other)
    asked = 'Forget the finished step and start again?'
    for how,status in (({}, 200), ({'tt-live':'1'}, 428)):
        res = site.press(job.id, 'restart', headers=how)
        assert res.status_code==status and asked in res.text
    assert manager.steps_of(job.id) and len(manager.get_job(job.id).attempts)==3
    assert site.press(job.id, 'restart', dict(sure='1')).status_code==303
    assert len(manager.get_job(job.id).attempts)==6
    assert site.press(other, 'restart').status_code==303

# -- other arguments

@task(name='job_page.fussy')
def fussy(name, password=None, login=None, tags=(), limit=None): raise OSError('no such file')

login = dict(user='ann', token='k-12345678', url='https://ann:k-12345678@crm/')
args = dict(name='sales.csv', password='hunter42', login=login, tags=['a', dict(api_key='zz9Plural7'), 7], limit=1)

@pytest.fixture
def editor(manager):
    "A site where arguments may be edited, and a failed job"
    res = Site(manager, edit=True)
    res.id,_ = manager.submit('sync', fussy, 1, **args)
    res.fail()
    return res

def in_form(text):
    m = re.search('<textarea[^>]*>(.*?)</textarea>', text, re.S)
    return m and html.unescape(m[1])

def with_leaf(tree, path, v):
    "A copy of a tree with another value at a place"
    if not path: return v
    res = list(tree) if isinstance(tree, list) else dict(tree)
    res[path[0]] = with_leaf(tree[path[0]], path[1:], v)
    return res

def leaves(tree, path=()):
    if not isinstance(tree, (dict,list)): return [(path, tree)]
    return [o for k,v in (tree.items() if isinstance(tree, dict) else enumerate(tree)) for o in leaves(v, (*path, k))]

def test_what_is_typed_changes_and_what_is_hidden_stays(editor):
    "Each value in turn, visible ones and masks, at each depth: the row has exactly that change, and never a mask"
    shown = editor.offered()
    assert mask in json.dumps(shown, ensure_ascii=False)
    assert not re.search('hunter42|k-12345678|zz9', editor.text(editor.id))
    typed = [(shown, args), ({**shown, 'limit':True}, {**args, 'limit':True}), (dict(reversed(shown.items())), args)]
    typed += [(with_leaf(shown, path, 'new'), with_leaf(args, path, 'new')) for path,_ in leaves(shown)]
    for sent,want in typed:
        assert editor.typed(editor.id, sent).status_code==303
        assert json.dumps(editor.fail().kwargs, sort_keys=True)==json.dumps(want, sort_keys=True), sent
        editor.fail(payload=json.dumps(args))

refusals = { # chkstyle: ignore-node
    'line 1, column 10 is not': '{"name": oops}', 'must be a JSON object': '["sales.csv"]',
    'Missing: limit, login, name, tags': dict(password=mask),
    'must stay as it is': dict(args, name=f'{mask}.csv'), 'is hidden here': dict(args, tags=['a']),
    'must be parameters of': dict(args, nam='x'),
    'at most 100,000 characters': dict(args, name='x'*100_000), 'a JSON object, as in': '['*15_000+']'*15_000}

@pytest.mark.parametrize('words', refusals)
def test_what_makes_no_sense_is_refused_and_kept(editor, words):
    typed = refusals[words] if isinstance(refusals[words], str) else json.dumps(refusals[words])
    page,answer = editor.typed(editor.id, typed),editor.typed(editor.id, typed, headers={'tt-live':'1'})
    assert page.status_code==answer.status_code==422
    assert words in html.unescape(page.text) and words in answer.text and '<' not in answer.text
    assert in_form(page.text)==typed[:100_000]
    assert re.search('<details[^>]* open', page.text.split('<textarea')[0].rpartition('<summary')[0])
    job = editor.manager.get_job(editor.id)
    assert (job.status, job.kwargs)==('failed', args)

def test_who_may_edit(editor, manager):
    "Those who may act, if the app allows it; only failed and cancelled jobs"
    assert editor.offered()
    editor.may = 'read'
    assert not editor.offered() and editor.typed(editor.id, args).status_code==403
    editor.may = 'act'
    plain = Site(manager)
    plain.id = editor.id
    assert not plain.offered() and plain.typed(editor.id, args).status_code in (404, 405)
    manager.store.write(lambda conn: conn.execute("UPDATE tenant_jobs SET status='completed'"))
    assert not editor.offered() and editor.typed(editor.id, args).status_code==409
    assert manager.get_job(editor.id).kwargs==args and editor.typed('unknown', args).status_code==404

def test_what_redact_hides_cannot_be_set(manager):
    "An argument that a viewer doesn't see stays, left out or named; a failing `redact` leaves nothing to edit"
    def no_limit(job):
        return replace(job, payload=json.dumps({k:v for k,v in read_json(job.payload).items() if k!='limit'}))
    for redact in (no_limit, lambda job: 1/0):
        site = Site(manager, edit=True, redact=redact)
        site.id,_ = manager.submit('sync', fussy, 1, **args)
        site.fail()
        shown = site.offered()
        assert site.typed(site.id, dict(shown or {}, limit=9)).status_code==422
        if not shown: continue
        assert site.typed(site.id, dict(shown, name='x')).status_code==303
        assert site.fail().kwargs==dict(args, name='x')

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

def test_a_page_gets_the_lines_that_it_lacks(manager, site):
    "Behind the newest one that it has, masked, with the number of a new attempt; all if what it has is gone or unknown"
    job_id,_ = manager.submit('sync', flaky, password='hunter42')
    lines_of(manager, job_id, 'one', 'two')
    def asked(token): return site.client.get(f'/jobs/~live?p=log:{job_id}%20{token}').text
    def token(text): return re.search('data-tt-token="(.*?)"', text)[1]
    def texts(text): return re.findall('<span[^>]*>(.*?)</span>', text)
    first = asked('')
    assert texts(first)==['one', 'two'] and 'data-tt-more' not in first and asked(token(first))==''
    sql = "INSERT INTO tenant_job_log VALUES (?,?,?,'',?)"
    for o in ((job_id, 3, 1, 'hunter42'), (job_id, 4, 2, 'four')):
        manager.store.write(lambda conn: conn.execute(sql, o))
    more = asked(token(first))
    assert texts(more)==[mask, 'four'] and 'data-tt-more' in more and more.count('Attempt')==1
    assert asked(token(more))==''
    for o in ('', 'x', token(first)+'9', token(first)[:-1]+'²'): assert texts(asked(o))==['one', 'two', mask, 'four']
    manager.cancel_job(job_id)
    end = asked(token(more))
    assert 'data-tt-more' in end and not texts(end) and 'data-tt-every' not in end
    manager.store.write(lambda conn: conn.execute("DELETE FROM tenant_job_log WHERE n<4"))
    assert texts(asked(token(first)))==['four'] and 'data-tt-more' not in asked(token(first))

