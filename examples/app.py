"""Two tenants, a SQLite file each, and three kinds of jobs: one that succeeds, one that fails twice first, one that always fails.

`python examples/app.py` serves it on http://127.0.0.1:5001; with `--once` it starts the same app on a free port, drives it over
HTTP, tells what happens, and exits with 0 only if every job ended as it should.
"""
import json,logging,socket,sys,tempfile,threading,time
from argparse import ArgumentParser
from collections import Counter
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request,urlopen

import uvicorn
from fasthtml.common import A,Button,Div,JSONResponse,Li,NotStr,P,Titled,Ul,fast_app
from fastlite import NotFoundError,database
from starlette.exceptions import HTTPException

from tenant_tasks import BackgroundTaskManager

tenants = ['acme', 'globex']
data = Path(tempfile.mkdtemp(prefix='tenant_tasks_')) if '--once' in sys.argv else Path(__file__).parent/'data'
data.mkdir(exist_ok=True)
dbs = {o:database(data/f'{o}.db') for o in tenants}

# -- the jobs

attempts = Counter()

def sync_data(user_id): return dict(user=user_id, synced=42)

async def send_email(key, to):
    "Fails twice, then succeeds"
    attempts[key] += 1
    if attempts[key]<3: raise ConnectionError(f'mail server hung up on attempt {attempts[key]}')
    return f'sent to {to}'

def import_csv(name): raise ValueError(f'{name} has no header')

kinds = dict(sync_data=sync_data, send_email=send_email, import_csv=import_csv)
titles = dict(sync_data='Sync data (succeeds)', import_csv='Import CSV (always fails)',
    send_email='Send email (fails twice, then succeeds)')
def kwargs(kind):
    if kind=='send_email': return dict(key=str(time.time_ns()), to='ann@example.com')
    return dict(sync_data=dict(user_id='123'), import_csv=dict(name='sales.csv'))[kind]

# -- the pages

app,rt = fast_app()

def manager_for(tenant):
    if tenant not in dbs: raise HTTPException(404, f'no tenant {tenant}')
    return BackgroundTaskManager(dbs[tenant])

def job_list(tenant):
    "The tenant's jobs, refreshed every second"
    table = NotStr(manager_for(tenant).list_jobs(limit=20)._repr_html_())
    return Div(table, id='jobs', hx_get=f'/{tenant}/list', hx_trigger='every 1s', hx_swap='outerHTML', style='overflow-x:auto')

@rt('/')
def home(): return Titled('tenant_tasks', Ul(*[Li(A(o, href=f'/{o}')) for o in tenants]))

@rt('/{tenant}')
def page(tenant:str):
    buttons = [Button(v, hx_post=f'/{tenant}/submit/{k}', hx_target='#jobs', hx_swap='outerHTML') for k,v in titles.items()]
    form = Div(*buttons, style='display:grid;gap:.5rem;margin-bottom:1rem')
    return Titled(f'Jobs of {tenant}', P(A('all tenants', href='/')), form, job_list(tenant))

@rt('/{tenant}/list')
def list_(tenant:str): return job_list(tenant)

@rt('/{tenant}/submit/{kind}', methods=['post'])
def submit(tenant:str, kind:str):
    if kind not in kinds: raise HTTPException(404, f'no job {kind}')
    job_id,bg_task = manager_for(tenant).submit(kind, kinds[kind], **kwargs(kind))
    return job_list(tenant), bg_task

@rt('/{tenant}/api/submit/{kind}', methods=['post'])
def api_submit(tenant:str, kind:str):
    if kind not in kinds: raise HTTPException(404, f'no job {kind}')
    job_id,bg_task = manager_for(tenant).submit(kind, kinds[kind], **kwargs(kind))
    return JSONResponse(dict(job_id=job_id), status_code=202, background=bg_task)

@rt('/{tenant}/api/jobs/{job_id}', methods=['get'])
def api_job(tenant:str, job_id:str):
    try: job = manager_for(tenant).get_job(job_id)
    except NotFoundError: raise HTTPException(404, f'no job {job_id}')
    return {k:getattr(job, k) for k in ('id', 'job_type', 'status', 'retry_count', 'max_retries', 'started_at', 'completed_at', 'result')}

# -- one run, told as it happens

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

def ask(url, method='GET'):
    "Status code and JSON, or text, of an answer"
    try:
        with urlopen(Request(url, method=method)) as res: code,body = res.status,res.read()
    except HTTPError as e: code,body = e.code,e.read()
    try: return code,json.loads(body)
    except ValueError: return code,body.decode()

def say(*words): print(datetime.now().strftime('%H:%M:%S.%f')[:-3], *words, flush=True)

expected = dict(sync_data=('completed', 0), send_email=('completed', 2), import_csv=('failed', 3))

def watch(base, jobs, timeout=30):
    "Follow the jobs until all have ended: the moments at which each was seen in a new state"
    seen,end = {o:[] for o in jobs},time.monotonic()+timeout
    while time.monotonic()<end:
        for (tenant,kind),job_id in jobs.items():
            _,job = ask(f'{base}/{tenant}/api/jobs/{job_id}')
            state = job['status'],job['retry_count']
            if seen[tenant,kind] and seen[tenant,kind][-1][0]==state: continue
            seen[tenant,kind].append((state, time.monotonic()))
            note = f"after {state[1]} failed of {job['max_retries']} attempts" if state[1] else 'at the first attempt'
            say(f"{tenant:8}{kind:12}{state[0]:11}{note}", job['result'] or '')
        if all(v[-1][0][0] in ('completed','failed') for v in seen.values()): break
        time.sleep(.05)
    return seen

def problems(jobs, seen):
    "Whatever isn't as it should be"
    for (tenant,kind) in jobs:
        last,_ = seen[tenant,kind][-1]
        if last!=expected[kind]: yield f'{tenant} {kind} is {last}, should be {expected[kind]}'
        first = {n:min(at for (_,c),at in seen[tenant,kind] if c==n) for n in {c for (_,c),_ in seen[tenant,kind]}}
        for n in range(1, last[1]):
            wait = first.get(n+1, 0)-first.get(n, 0)
            if kind!='import_csv' or 2**n-.3<wait<2**n+1: continue
            yield f'{tenant} {kind}: {wait:.1f} s between failures {n} and {n+1}, should be {2**n}'

def once():
    "Drive the app as a browser would; True if all was as it should be"
    with serving() as base:
        say(f'serving on {base}')
        if (code := ask(f'{base}/acme')[0])!=200: return say(f'the page of acme answers {code}')
        jobs = {}
        for tenant in tenants:
            for kind in kinds:
                code,res = ask(f'{base}/{tenant}/api/submit/{kind}', 'POST')
                if code!=202: return say(f'submitting {kind} for {tenant} answers {code}')
                jobs[tenant,kind] = res['job_id']
                say(f'{tenant:8}{kind:12}submitted, the response is here already')
        seen = watch(base, jobs)
        bad = list(problems(jobs, seen))
        code,_ = ask(f"{base}/globex/api/jobs/{jobs['acme','sync_data']}")
        if code!=404: bad.append(f"globex sees a job of acme's: {code}")
        for o in bad: say('NOT AS IT SHOULD BE:', o)
        if not bad: say(f'all {len(jobs)} jobs ended as they should, and no tenant saw the other')
        return not bad

if __name__=='__main__':
    parser = ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--once', action='store_true', help='start the app, drive it over HTTP, tell the story, stop')
    parser.add_argument('--port', type=int, default=5001, help='where to serve (default 5001)')
    args = parser.parse_args()
    logging.basicConfig(level=logging.CRITICAL if args.once else logging.INFO)
    if args.once: sys.exit(0 if once() else 1)
    uvicorn.run(app, host='127.0.0.1', port=args.port, timeout_graceful_shutdown=5)
