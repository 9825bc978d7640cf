"""Two tenants behind a login, a SQLite file each, four kinds of jobs, pages to watch them, and one for their operator.

`python examples/app.py` serves it on http://127.0.0.1:5001; with `--once` it starts the same app on a free port, drives
it over HTTP, prints what happens, and exits with 0 only if every job ended as it should.
"""
import json,logging,socket,sys,tempfile,threading,time
from argparse import ArgumentParser
from collections import Counter
from contextlib import contextmanager
from datetime import datetime
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor,build_opener

import uvicorn
from fasthtml.common import A,Beforeware,Button,Div,Form,Hidden,JSONResponse,P,Redirect,Titled,fast_app
from starlette.exceptions import HTTPException

from tenant_tasks import JobNotFound,Tenants,Worker,current_job,jobs_ui,operator_ui,task

parser = ArgumentParser(description=__doc__.split('\n')[0])
parser.add_argument('--once', action='store_true', help='start the app, drive it over HTTP, print what happens, stop')
parser.add_argument('--port', type=int, default=5001, help='where to serve (default 5001)')
parser.add_argument('--data', type=Path, default=Path(__file__).parent/'data',
    help='directory of the tenants (default beside this file)')
args = parser.parse_args() if __name__=='__main__' else parser.parse_args([])
if args.once:
    once_data = tempfile.TemporaryDirectory(prefix='tenant_tasks_') # Goes when the process ends
    args.data = Path(once_data.name)
args.data.mkdir(exist_ok=True)

tenants = Tenants(args.data)
for o in ('acme', 'globex'): tenants.create(o)

# -- the jobs

attempts = Counter()

@task
def sync_data(user_id): return dict(user=user_id, synced=42)

@task
async def send_email(key, to):
    "Fails twice, then succeeds"
    attempts[key] += 1
    if attempts[key]<3: raise ConnectionError(f'mail server hung up on attempt {attempts[key]}')
    return f'sent to {to}'

@task
def import_csv(name, password): raise ValueError(f'{name} has no header')

@task
def make_report(rows):
    "Takes five seconds, shows its progress, and stops when asked to"
    for i in range(rows):
        current_job().check()
        current_job().progress(i/rows, f'{i} of {rows} rows')
        time.sleep(.05)
    return f'{rows} rows'

kinds = dict(sync_data=sync_data, send_email=send_email, import_csv=import_csv, make_report=make_report)
titles = dict(sync_data='Sync data (succeeds)', send_email='Send email (fails twice, then succeeds)',
    import_csv='Import CSV (always fails)', make_report='Make report (takes five seconds)')

def kwargs(kind):
    if kind=='send_email': return dict(key=str(time.time_ns()), to='ann@example.com')
    all_kinds = dict(sync_data=dict(user_id='123'), import_csv=dict(name='sales.csv', password='hunter42'),
        make_report=dict(rows=100))
    return all_kinds[kind]

# -- who may do what; a real app asks for a password

people = dict(ann=('acme','act'), rita=('acme','read'), gus=('globex','act'), olga=(None,'act'))

def person(req): return people.get(req.session.get('who'), (None,None))
def manager_for(req): return tenants[person(req)[0]] if person(req)[0] else None
def guard(req): return person(req)[1] if person(req)[0] else None
def operator(req): return 'act' if req.session.get('who')=='olga' else None

def logged_in(req): return None if req.session.get('who') in people else Redirect('/login')

worker = Worker(tenants)
app,rt = fast_app(lifespan=worker.lifespan, htmlkw=dict(lang='en'), before=Beforeware(logged_in, skip=['/login']))
jobs_ui(app, manager_for, guard)
operator_ui(app, tenants, operator)

# -- the app's own pages

@rt('/login', methods=['get'])
def login():
    words = dict(ann='Ann of acme', rita='Rita of acme, who may only look', gus='Gus of globex',
        olga='Olga, the operator')
    def form(who): return Form(Hidden(who, name='who'), Button(words[who]), method='post', action='/login')
    return Titled('Who are you?', *map(form, people))

@rt('/login', methods=['post'])
def log_in(session, who:str):
    session.clear()
    session['who'] = who
    return Redirect('/ops' if who=='olga' else '/')

@rt('/')
def home(req):
    if not guard(req): return Redirect('/ops')
    buttons = [Button(v, hx_post=f'/submit/{k}', hx_target='#new', hx_swap='afterbegin') for k,v in titles.items()]
    links = P(A('All jobs', href='/jobs'), ' · ', A('Switch user', href='/login'))
    forms = Div(*buttons, cls='grid') if guard(req)=='act' else None
    return Titled(f'Welcome to {person(req)[0]}', links, forms, Div(id='new'))

def submit(req, kind):
    if guard(req)!='act' or kind not in kinds: raise HTTPException(404)
    return manager_for(req).submit(kind, kinds[kind], **kwargs(kind))

@rt('/submit/{kind}', methods=['post'])
def submit_card(req, kind:str):
    job_id,bg_task = submit(req, kind)
    return manager_for(req).get_job(job_id), bg_task

@rt('/api/submit/{kind}', methods=['post'])
def submit_json(req, kind:str):
    job_id,bg_task = submit(req, kind)
    return JSONResponse(dict(job_id=job_id), status_code=202, background=bg_task)

@rt('/api/jobs/{job_id}', methods=['get'])
def job_json(req, job_id:str):
    try: job = manager_for(req).get_job(job_id)
    except JobNotFound: raise HTTPException(404)
    shown = 'id', 'job_type', 'status', 'retry_count', 'max_retries', 'started_at', 'completed_at', 'result'
    return {k:getattr(job, k) for k in shown}

# -- one run, printed as it happens

@contextmanager
def serving():
    "The app under uvicorn on a free port of this machine: its address"
    sock = socket.socket()
    sock.bind(('127.0.0.1', 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level='warning'))
    thread = threading.Thread(target=server.run, kwargs=dict(sockets=[sock]))
    thread.start()
    try:
        while not server.started: time.sleep(.01)
        yield f'http://127.0.0.1:{sock.getsockname()[1]}'
    finally:
        server.should_exit = True
        thread.join()

class Browser:
    "A client that keeps the session's cookie, as a browser does"
    def __init__(self, base, who):
        self.base,self.opener = base,build_opener(HTTPCookieProcessor(CookieJar()))
        self.ask('/login', dict(who=who))

    def ask(self, path, form=None):
        "Status code and JSON, or text, of an answer; a POST if there is a form"
        try:
            data = None if form is None else urlencode(form).encode()
            with self.opener.open(self.base+path, data) as res: code,body = res.status,res.read()
        except HTTPError as e: code,body = e.code,e.read()
        try: return code,json.loads(body)
        except ValueError: return code,body.decode()

def say(*words): print(datetime.now().strftime('%H:%M:%S.%f')[:-3], *words, flush=True)

expected = dict(sync_data=('completed', 0), send_email=('completed', 2), import_csv=('failed', 3),
    make_report=('completed', 0))

def watch(browsers, jobs, timeout=30):
    "Follow the jobs until all have ended: the moments at which each was seen in a new state"
    seen,end = {o:[] for o in jobs},time.monotonic()+timeout
    while time.monotonic()<end:
        for (tenant,kind),job_id in jobs.items():
            _,job = browsers[tenant].ask(f'/api/jobs/{job_id}')
            state = job['status'],job['retry_count']
            if seen[tenant,kind] and seen[tenant,kind][-1][0]==state: continue
            seen[tenant,kind].append((state, time.monotonic()))
            note = f"after {state[1]} failed of {job['max_retries']} attempts" if state[1] else 'at the first attempt'
            say(f"{tenant:8}{kind:12}{state[0]:11}{note}", job['result'] or '')
        if all(v[-1][0][0] in ('completed','failed') for v in seen.values()): break
        time.sleep(.05)
    return seen

def problems(jobs, seen):
    "What isn't as it should be"
    for (tenant,kind) in jobs:
        last,_ = seen[tenant,kind][-1]
        if last!=expected[kind]: yield f'{tenant} {kind} is {last}, should be {expected[kind]}'
        first = {n:min(at for (_,c),at in seen[tenant,kind] if c==n) for n in {c for (_,c),_ in seen[tenant,kind]}}
        for n in range(1, last[1]):
            wait = first.get(n+1, 0)-first.get(n, 0)
            if kind!='import_csv' or 2**n-.3<wait<2**n+1: continue
            yield f'{tenant} {kind}: {wait:.1f} s between failures {n} and {n+1}, should be {2**n}'

def leaks(browsers, jobs):
    "Answers that a user must not get"
    his,hers = jobs['globex','sync_data'],jobs['acme','sync_data']
    asked = [('acme', f'/jobs/{his}'), ('globex', f'/jobs/{hers}'), ('globex', f'/api/jobs/{hers}'),
        ('acme', '/ops'), ('acme', '/ops/globex/jobs')]
    for tenant,path in asked:
        if (code := browsers[tenant].ask(path)[0])!=404: yield f'{tenant} asks for {path}, and is answered {code}'

def once():
    "Drive the app as browsers would; True if all was as it should be"
    with serving() as base:
        say(f'serving on {base}')
        browsers = dict(acme=Browser(base, 'ann'), globex=Browser(base, 'gus'))
        if (code := browsers['acme'].ask('/jobs')[0])!=200: return say(f'the page of acme answers {code}')
        jobs = {}
        for tenant,browser in browsers.items():
            for kind in kinds:
                code,res = browser.ask(f'/api/submit/{kind}', {})
                if code!=202: return say(f'submitting {kind} for {tenant} answers {code}')
                jobs[tenant,kind] = res['job_id']
                say(f'{tenant:8}{kind:12}submitted, the response is here already')
        bad = [*problems(jobs, watch(browsers, jobs)), *leaks(browsers, jobs)]
        code,page = Browser(base, 'olga').ask('/ops')
        if code!=200 or not all(f'/ops/{o}/jobs' in page for o in browsers):
            bad.append(f'the operator is answered {code}, and does not see all tenants')
        for o in bad: say('NOT AS IT SHOULD BE:', o)
        said = f'all {len(jobs)} jobs ended as they should, no tenant saw the other, and the operator saw both'
        if not bad: say(said)
        return not bad

if __name__=='__main__':
    logging.basicConfig(level=logging.CRITICAL if args.once else logging.INFO)
    if args.once: sys.exit(0 if once() else 1)
    uvicorn.run(app, host='127.0.0.1', port=args.port, timeout_graceful_shutdown=5)
