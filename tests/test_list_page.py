"The list of a tenant's jobs: what rows tell, tabs, failures by cause, acting on all that match"
import html,json,re
from dataclasses import replace
from datetime import timedelta
from itertools import product
from urllib.parse import parse_qsl,urlsplit

from fasthtml.common import Client,fast_app
from web import evil

from tenant_tasks import hide_secrets,jobs_ui
from tenant_tasks.jobs.job import never,timestamp
from tenant_tasks.web import query as queries,views
from tenant_tasks.web.secrets import mask

# -- rows

def test_empty_lists_show_code_to_developers_alone(site):
    app,_ = fast_app(secret_key='x')
    jobs_ui(app, lambda req: site.acme, lambda req: 'act', internals=True)
    client = Client(app)
    codes = {'?':'manager.submit(', '/~schedules':'manager.schedule(', '/~batches':'submit_many('}
    for page,code in codes.items():
        users,developers = site.get(f'/jobs{page}'),client.get(f'/jobs{page}').text
        assert code in developers and code not in users and '<pre>' not in users
        assert re.search('No (jobs|schedules|batches) yet.', users)
    assert '@task(limit' not in site.get('/jobs/~limits')

def test_rows_tell_arguments_error_and_when_a_job_is_due(site):
    "A filter that matches nothing says so, and leads back"
    site.add(error='OSError: no such host', payload=json.dumps(dict(name='sales.csv', n=3)))
    assert 'name="sales.csv", n=3' in site.get() and '>OSError: no such host<' in site.get()
    assert 'Traceback' not in site.get()
    text = site.get('/jobs?status=pending')
    assert 'No jobs match' in text and '>Show all jobs</a>' in text and 'No jobs' not in site.get()
    site.add('pending', run_at=timestamp(site.clock()+timedelta(minutes=5)))
    site.add('pending', run_at=never)
    assert '>in 5 min</time>' in site.get() and 'after its batch' in site.get()
    site.add('completed', error='KeyError: done since')
    assert 'done since' not in site.get()

def test_rows_show_no_secret(site):
    "Of arguments, results and errors; known by name, by the app's list, and repeated; nor a piece of one at a cut"
    long = 'k'+''.join(f'{i:05d}x' for i in range(300))
    for pad in (0, 30, 110, 150, 290, 3990):
        payload = json.dumps(dict(pad='p'*pad, password='hunter42', deep=[dict(iban='DE00-1234')], token=long))
        site.add(error=f"ValueError: {'p'*pad} hunter42 DE00-1234 {long}", payload=payload)
        site.add(error=f"ValueError: {'p'*pad} {long}", result=json.dumps(dict(token=long)))
        lines = f'{long[:900]}\n{long}\n{long[900:]}'
        site.add(error=f'ValueError: {lines}', payload=json.dumps(dict(token=lines)))
        site.add(error='hunter42', payload=json.dumps(dict(pad='p'*20_000, password='hunter42')))
    text = site.get()
    assert text.count('<tr')==25 and mask in text
    for o in ('hunter42', 'DE00-1234', long[1200:1230], long[:40]): assert o not in text, o

def test_types_and_failures_show_no_secret(site):
    "Neither in words nor in addresses, nor in the choice of types to pause; and what the error says is text"
    site.add(error='ValueError: hunter42 is wrong', payload=json.dumps(dict(password='hunter42')))
    site.add(error=evil, job_type=evil)
    raw = site.client.get('/jobs').text
    assert any(f'ValueError: {mask} is wrong at' in o for o in kinds(raw))
    urls = [html.unescape(o) for o in re.findall('<li>\\s*<a href="([^"]*)"', raw)]
    evil_list = site.client.get('/jobs', params=dict(like=evil, type=evil, batch=evil)).text
    site.add(job_type='sync hunter42', payload=json.dumps(dict(password='hunter42')))
    for _ in range(50): site.add(job_type='sync')
    lists = [site.client.get(o).text for o in ('/jobs', '/jobs?status=pending')]
    for o in (raw, evil_list, *lists, *[site.client.get(o).text for o in urls]):
        assert '<script>alert' not in o and 'hunter42' not in o
    for o in lists: assert '<option value="sync"' in o.split('name="job_type"')[1]

def test_long_texts_cost_little(site):
    "Rows of a megabyte: a note in place of the arguments, and the name of the error alone"
    payload = json.dumps(dict(text='word '*200_000, password='hunter42'))
    for _ in range(9): site.add(error='Traceback\n'*50_000+'requests.ConnectionError: hunter42', payload=payload)
    text = site.get()
    assert len(text)<300_000 and 'hunter42' not in text
    assert text.count(f'{len(payload):,} characters of arguments')==9 and '>requests.ConnectionError<' in text

# -- filters

asked = dict(status='failed', type='import_csv', last='day', text='sales', schedule='nightly', batch='b1')

def fill(site):
    "Jobs with each combination of what filters ask for: for each job which it has"
    res = {}
    for has in product([0, 1], repeat=6):
        failed,kind,new,text,schedule,batch = has
        at = timestamp(site.clock()-timedelta(hours=1 if new else 30))
        payload = json.dumps(dict(path='Sales 1.csv' if text else 'other.csv'))
        kw = dict(schedule='nightly' if schedule else None, batch='b1' if batch else None, payload=payload)
        job_id = site.add('failed' if failed else 'completed', 'import_csv' if kind else 'sync', 'OSError: full',
            created_at=at, completed_at=at, **kw)
        res[job_id] = {k for k,v in zip(asked, has) if v}
    return res

def rows(text): return re.findall('id="job-(\\w+)-row"', text)
def tabs(text): return re.search('<nav aria-label="By status".*?</nav>', text, re.S)[0]
def params(url): return dict(parse_qsl(urlsplit(url).query))
def chips(text):
    return {label:params(url) for url,
        label in re.findall('<a href="([^"]*)"[^>]*aria-label="([^"]*): remove this filter"', text)}

def test_filters_find_and_go_with_everything(site):
    "A combination finds its jobs and is part of all addresses; each filter has a link that removes it alone"
    has = fill(site)
    for a,b,c,d in product([0, 1], repeat=4):
        query = {k:v for (k,v),on in zip(asked.items(), (a, b, c, d, a^b, c^d)) if on}
        text = html.unescape(site.client.get('/jobs', params=query).text)
        wanted = sorted([o for o,v in has.items() if v>={*query}], reverse=True)
        assert rows(text)==wanted[:50], query
        without = [sorted(o for o in query.items() if o[0]!=k) for k in query.keys()-{'status'}]
        assert sorted(sorted(o.items()) for o in chips(text).values())==sorted(without), query
        forms = re.findall('<form[^>]*action="/jobs/(?:bulk|all)([^"]*)"', text)
        assert len(forms)==(2 if 'status' in query else 1) and all(params(o)==query for o in forms), query
        parts = re.findall('data-tt-part="(?:list|tabs):([^"]*)"', text)
        assert [dict(parse_qsl(o)) for o in parts]==[query]*2
        older = [params(o) for o in re.findall('<a href="([^"]*)"[^>]*rel="next"', text)]
        assert older==([dict(query, below=older[0]['below'])] if len(wanted)>50 else [])
        for url,status in re.findall('<a href="([^"]*)"[^>]*data-status="(\\w+)"', tabs(text)):
            assert params(url)=={**query, 'status':status}

def test_numbers_are_those_of_the_filters(site, monkeypatch):
    "Of each status where that is cheap, otherwise of the list; a number that isn't complete has a plus"
    fill(site)
    def number(path, tab):
        text = re.sub(r'\s*\n\s*', '', tabs(site.get(path)))
        return re.search(rf'>{tab}(?:<span[^>]*> ?([\d,+]*)</span>)?</a>', text)[1]
    assert [number('/jobs?type=sync', o) for o in ('All', 'Failed', 'Completed', 'Running')]==['32', '16', '16', '0']
    assert [number('/jobs?status=failed&last=day', o) for o in ('All', 'Failed', 'Completed')]==[None, '16', None]
    for path in ('last=day', 'schedule=nightly', 'text=sales', 'batch=b1'):
        assert 'Retry all 16 failed' in site.get(f'/jobs?status=failed&{path}'), path
    whole = type(site.acme.store).glances
    monkeypatch.setattr(type(site.acme.store), 'glances', lambda self, limit=20, **kw: whole(self, limit, **kw))
    text = site.get('/jobs?status=failed&text=sales')
    assert number('/jobs?status=failed&text=sales', 'Failed')==f'{len(rows(text))}+' and 'Look further' in text
    assert f"Retry the newest {len(rows(text))} failed" in text

def test_text_is_found_in_what_is_shown(site):
    "As a row or the job's page shows it, whatever the case; and only the name of the error of a job with long texts"
    first = site.add(error='OSError: disk Full on host ä', payload=json.dumps(dict(name='Zoë.csv', n=3)))
    big = site.add(error='KeyError: sales', payload=json.dumps(dict(text='x'*10_000, name='needle')))
    for o in ('zoë.csv', 'name="Zoë', '"n": 3', 'n=3', 'DISK FULL', 'host ä', 'Traceback …'):
        assert rows(site.client.get('/jobs', params=dict(text=o)).text)==[first], o
    assert rows(site.get('/jobs?text=keyerror'))==[big]
    for o in ('needle', '%25'): assert rows(site.get(f'/jobs?text={o}'))==[]
    assert '<script>alert' not in site.client.get('/jobs', params=dict(text=evil, schedule=evil, last=evil)).text

def test_text_finds_no_secret(site, monkeypatch):
    "A part of one is answered like any other text that isn't there: the same page, the same numbers, and as much work"
    for i in range(52):
        site.add(error='ValueError: hunter42 is wrong in /srv/secretdir/a/b.py',
            payload=json.dumps(dict(password='hunter42', iban='DE00-1234', n=i)))
    site.add(error='KeyError: hunter42', payload=json.dumps(dict(pad='p'*9000, password='hunter42')))
    jobs,work = site.acme.list_jobs(),[]
    monkeypatch.setattr(views, 'hide_secrets', lambda *args: work.append(1) or hide_secrets(*args))
    def answer(text):
        "Everything that the answers tell, without the text itself"
        queries._listed.clear()
        work.clear()
        asked = {}, dict(status='failed'), dict(below='40')
        pages = ''.join([site.client.get('/jobs', params=dict(text=text, **o)).text for o in asked])
        n,pages = len(work),re.sub('data-tt-(now|token)="[^"]*"|csrf" value="[^"]*"', '', pages)
        res = site.post(f'/jobs/all?status=failed&text={text}', live=True, do='retry', sure='1')
        return pages.replace(text, ''),n,res.text
    nothing = answer('zzzz')
    for o in ('hunter42', 'hunt', 'DE00', 'secretdir'): assert answer(o)==nothing, o
    assert site.acme.list_jobs()==jobs and rows(site.get('/jobs?text=is+wrong')) and rows(site.get('/jobs?text=b.py'))
    site.pages.looks = replace(site.pages.looks, redact=lambda job: replace(job, payload=None))
    assert not rows(site.get('/jobs?text=n%3D7')) and rows(site.get('/jobs?text=is+wrong'))

def test_what_a_text_finds_is_acted_on_and_nothing_else(site):
    ids = [site.add(error=f'OSError: host {i%3}', payload=json.dumps(dict(password='host 1'))) for i in range(30)]
    secret = site.add(payload=json.dumps(dict(password='OSError: host 2')))
    def retry(query, **kw): return site.post(f'/jobs/all?status=failed&{query}', live=True, do='retry', **kw).text
    assert retry('text=host+2')=='Retry all 10 failed?' and retry('text=host+2', sure='1')=='10 jobs retried.'
    left = {o.id for o in site.acme.list_jobs(status='failed')}
    assert left=={secret, *[o for i,o in enumerate(ids) if i%3!=2]}
    assert 'No jobs match any more' in retry('text=host+2', sure='1')
    site.clock.advance(3000)
    for _ in range(3): site.add(error='OSError: x', schedule='nightly')
    site.clock.advance(1000)
    assert retry('last=hour&schedule=nightly', sure='1')=='3 jobs retried.'
    assert {o.id for o in site.acme.list_jobs(status='failed')}==left

# -- what an empty list says

# -- failures by cause

def kinds(text):
    return [re.sub(r'\s+', ' ', re.sub('<[^>]*>', '', o)).strip() for o in re.findall('<li>.*?</li>', text, re.S)]

def test_failures_are_grouped_and_lead_to_their_list(site):
    "By type and error without its numbers, the most frequent first, since when; the list has these and no others"
    ids = [site.add(error=f'ConnectionError: port {i} is closed') for i in range(3)]
    first = timestamp(site.clock())[11:16]
    site.add(error='KeyError: x', job_type='sync')
    site.clock.advance(60)
    ids.append(site.add(error='ConnectionError: port 7 is closed'))
    assert kinds(site.get())==[f'import_csv ConnectionError: port # is closed ×4 since {first}',
        f'sync KeyError: x at {first}']
    text = site.get(re.search('<li>\\s*<a href="([^"]*)"', site.get())[1])
    assert rows(text)==sorted(ids, reverse=True) and 'Failures like that of job' in text
    assert 'KeyError' in site.client.get('/jobs/~live?p=failures:%20x').text
    site.clock.advance(90_000)
    assert kinds(site.get())==[]

# -- all that match

def count(site, status): return site.acme.store.stats()[0][status]

def test_all_that_match_are_retried_or_cancelled(site):
    for i in range(60): site.add(error='OSError: full', job_type=f't{i%2}')
    assert 'Retry all 60 failed' in site.get('/jobs?status=failed') and 'Retry all' not in site.get()
    asked = site.post('/jobs/all?status=failed&type=t1', do='retry')
    assert 'Retry all 30 failed?' in asked.text and count(site, 'failed')==60
    form = dict(re.findall('name="(do|sure|csrf)" value="([^"]*)"', asked.text))
    url = html.unescape(re.search('action="([^"]+)"', asked.text)[1])
    res = site.client.post(url, data=form, follow_redirects=True)
    assert str(res.url).endswith('/jobs?status=failed&type=t1') and '30 jobs retried.' in res.text
    assert {o.job_type for o in site.acme.list_jobs(status='failed')}=={'t0'}
    asked = site.post('/jobs/all?status=failed&below=5', live=True, do='retry')
    assert (asked.status_code, asked.text)==(428, 'Retry all 30 failed?')
    for _ in range(3): site.add('pending', run_at=never)
    site.post('/jobs/all?status=pending', do='cancel', sure='1')
    assert count(site, 'pending')==0

def test_all_that_failed_alike(site):
    other = site.add(error='KeyError: x')
    ids = [site.add(error=f'OSError: port {i}') for i in range(3)]
    def retry(query, do='retry'): return site.post(f'/jobs/all{query}', live=True, do=do, sure='1')
    for o in ('', '?status=completed', '?status=pending', '?status=failed&id=0'): assert retry(o).status_code==400
    assert retry('?status=failed', 'delete').status_code==400 and count(site, 'failed')==4
    assert retry(f'?like={ids[1]}').text=='3 jobs retried.' and count(site, 'failed')==1
    secret = site.add(error='ValueError: hunter42', payload=json.dumps(dict(password='hunter42')))
    res = retry(f'?like={secret}')
    assert res.status_code==409 and 'hidden' in res.text and site.acme.get_job(secret).status=='failed'
    assert 'No jobs match' in retry('?like=unknown').text and site.acme.get_job(other).status=='failed'

def test_many_are_left_to_a_job(site):
    for _ in range(501): site.add(error='OSError: full')
    res = site.post('/jobs/all?status=failed', live=True, do='retry', sure='1')
    assert re.fullmatch(r'They are many: job \w+ retries them in the background\.', res.text)
