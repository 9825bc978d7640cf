"What the pages show of secrets and of the server: what is masked and what isn't, random secrets, what it costs"
import asyncio,html,json,random,re,string,time
from dataclasses import replace
from urllib.parse import quote

import pytest
from fastcore.xml import to_xml
from fasthtml.common import Client,fast_app
from hypothesis import given,strategies as st

from tenant_tasks import *
from tenant_tasks.jobs.job import utcnow,timestamp
from tenant_tasks.jobs.history import add_error
from tenant_tasks.web import views
from tenant_tasks.web.card import max_inline
from tenant_tasks.web.query import Query
from tenant_tasks.web.secrets import mask,max_secrets,looks_secret

@task(name='secrets.sync')
def sync(**kw): pass

script = {'tt-live':'1'}

def shown(payload, error=None, job_type='x', **kw):
    return hide_secrets(TenantJob('1', job_type, 'failed', json.dumps(payload), error_log=error, **kw))

secret_keys = '''auth jwt bearer pass pw passcode otp cvv cvv2 card_number cardNumber accesskey privatekey session_id
    sessionId connection_string x_auth jwt_token db_pw db-pass smtp_pass userPassword API_KEY apiKey APIkey
    access-token clientSecret s3_secret_key aws_secret_access_key Set-Cookie Cookie X-Api-Key
    proxy-authorization oauth2Token key pin credentials rotated_new_token cache_key_secret password1
    max_tokens_password'''.split()
plain_keys = '''primary_key sort_key s3_key S3Key file_key max_tokens maxTokens idempotency_key partition_key cache_key
    foreign_key keyboard monkey token_count author authored passenger compass user_id passed public_key
    tokenizer pinned turkey secretary key_name KeyError prompt_tokens tokens_used pass_rate cookie_policy
    password_length unique_key authority opinion'''.split()

def test_secret_and_plain_keys():
    for o in secret_keys:
        assert looks_secret(o), o
        assert json.loads(shown({o:'x1y2z3w4', 'note':'it is x1y2z3w4.'}).payload)=={o:mask, 'note':f'it is {mask}.'}
    for o in plain_keys:
        job = shown({o:'visible1'}, 'visible1')
        assert not looks_secret(o) and json.loads(job.payload)=={o:'visible1'} and job.error_log=='visible1', o

s = 'hunter42X'
texts = [json.dumps({'password':s, 'a':1}), json.dumps(json.dumps({'password':s})), # chkstyle: ignore-node
    f'got {{"user": "ann", "api_key": "{s}"', f'got {{\\"api_key\\": \\"{s}\\"}}', f"{{'api_key': '{s}', 'a': 1}}",
    f"login(user='ann', password='{s}')", f'Authorization: Bearer {s}', f'sent Bearer {s} to it',
    f"[('Accept', '*/*'), ('Authorization', 'Token {s}')]", f'Cookie: a=b; sid={s}; c=d',
    f'Set-Cookie: sid={s}; Path=/', f'tool --password={s} --verbose', f'password: {s}']
cut = [f'sent Basic {s}== to it', f'postgres://ann:a/{s}@host/path', f'postgres://ann:a@{s}@host/path']
urls = [f'https://ann:{s}@host/path', f'https://{s}@host/path', *cut[1:], f'https://host/path?page=2&token={s}&x=1',
    f'https://host/path?api_key={s}']
hidden = [*[{'body':o} for o in (*texts, cut[0])], *[{'url':o} for o in urls],
    {'headers':[['Accept', '*/*'], ['Authorization', f'Bearer {s}']]}, {'headers':[{'name':'X-Api-Key', 'value':s}]},
    {'tags':[{'Key':'db_password', 'Value':s}]}, {'cookies':{'sid':s}}, {'uses':{s:1}, 'token':s},
    {'a':[[{'b':[{'secret':[{'c':s}]}]}]]}]

@pytest.mark.parametrize('payload', hidden)
def test_hidden(payload):
    "In the payload, in the result, and as a text in the error"
    job,text = shown(payload, f'it was {s}!'),next(iter(payload.values()))
    assert s not in job.payload and s not in hide_secrets(replace(job, payload='{}', result=json.dumps(payload))).result
    if text not in cut: assert s not in job.error_log, 'what is masked in the payload is masked in an error'
    if isinstance(text, str): assert s not in shown({}, f'Traceback\n{text}\n').error_log

visible = [({'a':1, 'b':[1.5, None, True, 'x']}, None),
    ({}, "    password = read_password(user)\n    token=get_token(user)\n"
        "    f(password=password, token=None, key={key!r})"),
    ({'url':'https://host:8080/a/@user?page=2&sort_key=a#b', 'mail':'ann@example.com'}, None),
    ({'text':'The password must have 8 characters: try again. Bearer of bad news; basic training.'}, None),
    ({}, "KeyError: 'name'\nInvalidTokenError: line 17 of 123456"), ({'body':'{"a":  1,"max_tokens":5}'}, None),
    ({'fields':['password', 'email'], 'sizes':[['a', 'b']]}, None),
    ({'at':'12:30:45', 'key_name':'a=b'}, 'ended at 12:30:45')]
masked = [(dict(password='data', token=True, secret='database'), # In the payload, but not in the error
    'File "/app/database/true.py", line 1\n  data = database()'),
    ({'auth':'basic', 'key':'python', 'pass':'localhost'}, 'basic python at localhost'),
    ({'pin':'abc123', 'token':'charlie'}, 'charlies_abc1234 xabc123 charlie_x'),
    ({'pin':'4711', 'otp':100000}, 'line 4711 of 100000')]

@pytest.mark.parametrize('payload,error', [*visible, *masked])
def test_visible(payload, error):
    job = shown(payload, error)
    assert job.error_log==error and ((payload,error) in masked or json.loads(job.payload)==payload)

odd = 'pa"ss\'w\\ö rd/+&<7>\n€'
spelled = [odd, json.dumps(odd), json.dumps(odd, ensure_ascii=False), json.dumps(json.dumps(odd)), repr(odd),
    ascii(odd), repr(odd.encode()),
    repr(json.dumps(odd)), quote(odd), quote(odd, safe=''), html.escape(odd), repr('it\'s "'+odd)]

@pytest.mark.parametrize('text', spelled)
def test_every_spelling(text):
    names = 'unique_key', 'function', 'progress_note'
    payload,texts = {'password':odd, 'said':f'<{text}>'},dict.fromkeys(names, text)
    job = shown(payload, f'it is {text}, not', f'sync {text}', **texts)
    said = json.loads(job.payload)['said']
    for o in (job.error_log, job.job_type, said, *[getattr(job, o) for o in names]):
        assert mask in o and text.strip('"\'b') not in o and 'ss' not in o, o

escapes = ["C:\\\\nhunter", 'a\\nqwertzui b', 'a%20qwertzui%20b', 'a\\x41qwertzui', "b'qwertzui'", '\\u0041qwertzui']

def test_a_word_behind_an_escape_stands_apart():
    for o in escapes: assert mask in shown({'password':'qwertzui', 'secret':'nhunter'}, o).error_log, o
    quoted = shown({'url':'https://host/a?token=ab%2Fcdef%3D12'}, 'it was ab/cdef=12')
    assert quoted.error_log==f'it was {mask}'

def pages_of(job):
    "All that components show of a job, as a browser reads it"
    view = View('/jobs', act=True, token='t')
    texts = (JobCard(job, view), JobDetails(job, view), JobTable([job], view, Query())),job.__ft__()
    return html.unescape('\n'.join([*map(to_xml, texts), job._repr_html_()]))

letters = string.ascii_letters+string.digits+' !"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~äß€\n'
secret_text = st.text(letters, min_size=8, max_size=40).filter(lambda s: len(set(s))>5 and s==s.strip())

@given(secret_text, st.sampled_from(secret_keys), st.sampled_from([str, repr, json.dumps, quote]))
def test_no_secret_is_on_any_page(secret, key, spell):
    "Wherever a job repeats it, in any spelling"
    text = f'[{spell(secret)}]'
    payload = {'a':[{key:secret}], 'b':text, 'c':json.dumps({key:secret}), 'd':[[key, secret]], text:1}
    def job(text, payload, result, kind):
        own = dict(unique_key=text, function=text, progress_note=text, title=text)
        error = add_error(None, 1, utcnow(), f'E: {text}')
        return TenantJob('0c6d', kind, 'failed', json.dumps(payload), json.dumps(result), error, **own)
    one = job(text, payload, [text], f'sync {text}')
    page = pages_of(one)+pages_of(replace(one, status='running', progress=.5))
    usual = ''.join(pages_of(replace(job('0', {key:1}, 0, 'sync'), status=o)) for o in statuses)
    for o in {secret, repr(secret)[1:-1], json.dumps(secret)[1:-1], quote(secret)}: assert o not in page or o in usual

def test_too_much_to_search_for():
    "The texts are withheld with a note, as a whole; the payload is masked all the same; so is a job nested too deep"
    for tokens in ([f'tok{i:05}x' for i in range(max_secrets+1)], [f'{i:04}'*100 for i in range(1000)]):
        payload = dict(tokens=tokens, seen=tokens[7], other='visible')
        job = shown(payload, f'bad {tokens[5]}', f'a {tokens[8]}', progress_note=tokens[6])
        assert not [o for o in tokens[5:9] if o in str(job)] and 'visible' in job.payload
        assert job.error_log==job.progress_note and 'too many secrets' in job.error_log and job.job_type==f'a {mask}'
    assert shown(dict(tokens=tokens[:400]), f'bad {tokens[5]}').error_log==f'bad {mask}'
    job = TenantJob('1', 'x', 'failed', '{"a":'*800+'"hunter42"'+'}'*800, error_log='hunter42')
    assert 'hunter42' not in pages_of(job)

def recipients(n):
    rand = random.Random(n)
    res = [dict(name=f'ann {i}', mail=f'a{i}@example.com', token=f'{rand.getrandbits(128):032x}') for i in range(n)]
    return TenantJob('1', 'x', 'failed', json.dumps(dict(to=res)), error_log='\n'.join(o['token'] for o in res[:1000]))

nasty = dict( # chkstyle: ignore-node
    alike=lambda n: {'a':'a'*n, 'tokens':['a'*i for i in range(8, 200)]}, dashes=lambda n: {'a':'a-'*n+':'},
    closers=lambda n: {'a':'token='+')'*n}, keys=lambda n: {'a':'password:'*n}, urls=lambda n: {'a':'://'*n},
    quotes=lambda n: {'a':"pw='x pw=\"y "*n}, paths=lambda n: {'a':'/a'*n+'"/'*n},
    brackets=lambda n: {'a':'"token":{["'*n}, spaces=lambda n: {'a':'token'+' '*n+'bearer '*n},
    slashes=lambda n: {'a':'\\'*n+'=', 'token':'a.'*n+'='})

@pytest.mark.slow
@pytest.mark.parametrize('kind', ['recipients', *nasty])
def test_the_time_grows_with_the_size_of_the_job(kind):
    "Twice as much costs at most three times as much processor time, with many secrets and with texts made to be slow"
    def cost(n):
        "Seconds of this thread for a look"
        text = json.dumps(nasty.get(kind, str)(n))
        job = recipients(n//8) if kind=='recipients' else TenantJob('1', 'x', 'failed', text, error_log=text)
        start = time.thread_time()
        View().shown(job)
        return time.thread_time()-start
    costs = []
    for _ in range(7): # The best of several, as many as it takes
        costs.append((cost(20_000), cost(40_000)))
        small,large = map(min, zip(*costs))
        if large<=3*small+.002: return
    assert False, costs

def test_the_pages_look_for_secrets_in_a_thread(site, monkeypatch):
    "List, job, card and buttons never do it on the event loop; a job that a route returns does little there"
    big = replace(recipients(1000), created_at=timestamp(utcnow()))
    site.acme.store.submit([big])
    @site.pages.app.route('/one', methods=['get'])
    async def one(): return site.acme.get_job('1')
    on_loop,real = [],views.hide_secrets
    def spy(job, more=()):
        try: on_loop.append(asyncio.get_running_loop() and sum(len(o or '') for o in (job.payload, job.error_log)))
        except RuntimeError: pass
        return real(job, more)
    monkeypatch.setattr(views, 'hide_secrets', spy)
    for o in ('', '/1', '/~live?p=job:1%20&p=details:1%20&p=list:%20'): site.client.get(f'/jobs{o}')
    for live in (True, False): site.post('/jobs/1/cancel', live)
    site.post('/jobs/bulk', do='cancel', id='1')
    assert not on_loop
    text = site.client.get('/one').text
    assert 'Too long to show here' in text and json.loads(big.payload)['to'][0]['token'] not in text
    assert max(on_loop, default=0)<=max_inline

def test_the_card_of_a_long_job_tells_no_secret():
    "Its type is shown only if it shares no six characters in a row with the payload"
    long = dict(token='k-12345678', text='x'*max_inline)
    for kind,there in (('sync', True), ('sync k-12345678', False), ('ä'*201, False)):
        html = to_xml(TenantJob('1', kind, 'failed', json.dumps(long), json.dumps('y'*9), 'k-12345678').__ft__())
        assert (kind in html)==there and 'k-12345678' not in html and 'yyy' not in html and 'Too long' in html

def test_types_to_choose_from_tell_no_secret():
    "Not one that gives itself away, nor one that a row of the page masks, nor one that the app's `redact` hides"
    kinds = 'sync','sync token=t0k3n-9999','sync k-12345678','hush'
    job = TenantJob('1', kinds[2], 'failed', '{"key": "k-12345678"}')
    view = View('/jobs', redact=lambda job: replace(job, job_type='…') if job.job_type=='hush' else job)
    html = to_xml(JobTable([job], view, Query(), types=kinds))
    assert re.findall('href="/jobs.type=([^"]*)"', html)==['sync']
    assert not [o for o in ('t0k3n-9999', 'k-12345678', 'hush') if o in html]

owner = 'web1~5f0c2a9e~4711~0badcafe'
paths = [('File "/srv/acme/app/jobs.py", line 1', 'File "…/jobs.py", line 1'),
    ('in /srv/acme/app/jobs.py:7', 'in …/jobs.py:7'),
    ("No such file: '/home/Ann B/data/x y.csv'", "No such file: '…/x y.csv'"),
    (r'File "C:\\Users\\ann\\app\\jobs.py"', 'File "…/jobs.py"'), ('D:\\data\\acme\\x.db', '…/x.db'),
    ('sqlite:////data/a/b.db', 'sqlite:///…/b.db'), ('file:///srv/acme/x.db', 'file://…/x.db'),
    (f'process {owner} died', 'process … died')]
kept = ['https://host/a/b/c.html', 'https://host:80/a/b/c', 'a/b/c/d.py', '1/2/3', 'File "<string>"', '…/jobs.py',
    'and/or', r'a\\nb\\nc', '/jobs', 'GET /jobs/123/steps failed', "'/api/v1/jobs'", '/home/settings', 'http://h/tmp/x/y']

def test_paths_and_processes():
    for text,plain in [*paths, *[(o,o) for o in kept]]:
        assert (View().plain(text), View(internals=True).plain(text))==(plain, text)

def test_users_see_no_internals_and_operators_do(manager):
    "On each page, in what a button answers, and in a notebook"
    trace = f'Traceback:\n  File "/srv/acme/app/jobs.py", line 7\nE: /srv/acme/app/a.csv {owner}'
    kw = dict(owner=owner, progress_note='/srv/acme/app/a.csv', created_at=timestamp(utcnow()))
    kw['payload'] = json.dumps(dict(file='/srv/May report/b.csv', page='/jobs/123/x', rows=[['"/srv/c.csv"']]))
    kw |= dict(result=json.dumps({'/srv/d.csv':'"/srv/e.csv"'}), title='Read /srv/f.csv', unique_key='/srv/g.csv')
    job = TenantJob('1', 'x', 'failed', error_log=add_error(None, 1, utcnow(), trace), **kw)
    manager.store.submit([job])
    app,rt = fast_app(secret_key='x')
    jobs_ui(app, lambda req: manager, lambda req: 'act')
    jobs_ui(app, lambda req: manager, lambda req: 'act', '/dev', internals=True)
    operator_ui(app, dict(acme=manager.db), lambda req: 'act')
    client = Client(app)
    def texts(base): return [client.get(f'{base}/1').text, client.get(f'{base}/~live?p=full:1%20&p=details:1%20').text]
    for text in [*texts('/jobs'), client.get('/jobs').text, to_xml((JobCard(job), JobDetails(job)))]:
        assert not [o for o in ('/srv', 'web1', '4711', 'Process') if o in text]
    seen = html.unescape(''.join(texts('/jobs')))
    for o in ('"…/b.csv"', '/jobs/123/x', '…/c.csv', '…/d.csv', '…/e.csv', '…/f.csv', '…/jobs.py'): assert o in seen
    for text in [*texts('/dev'), *texts('/ops/acme/jobs'), job._repr_html_()]:
        assert '/srv/acme/app/jobs.py' in text and owner in text
    def refuse(job_id): raise JobStateError(f'only process {owner} had it')
    manager.retry_job = refuse
    csrf = re.search(r'name="csrf" value="([^"]+)"', client.get('/jobs/1').text)[1]
    for path,how in (('1/retry', script), ('1/retry', {}), ('bulk', {})):
        form = dict(csrf=csrf, do='retry', id='1')
        def answer(base): return client.post(f'{base}/{path}', data=form, headers=how, follow_redirects=True).text
        answers = [answer(o) for o in ('/jobs', '/dev')]
        assert [owner in o for o in answers]==[False, True] and 'only process … had it' in answers[0]
