"""An app under a strict content security policy, without htmx: `live_app.py FOLDER LOOK PORT`

LOOK is '' for an app without a stylesheet of its own, 'pico' for FastHTML's, 'monster' for those of MonsterUI, or 'marked' for
an app whose pages say marks in place of words.
"""
import sys

import uvicorn
from fasthtml.common import FastHTML,Link,Main,Redirect,Title
from helpers import marked
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse

from tenant_tasks import Tenants,jobs_ui,operator_ui,task
from tenant_tasks.views import texts

folder,look,port = sys.argv[1:]
if look=='marked': texts.update({k:marked(k, v) for k,v in texts.items()})
tenants = Tenants(folder)
for o in ('acme','globex'): tenants.create(o)

@task(name='live.sync')
def sync(**kw): return kw

@task(name='live.mail', limit=3, rate=(100, 60))
def mail(**kw): return kw

@task(name='live.broken')
def broken(**kw): raise ConnectionError(f'no route to the CRM, asked for {kw}')

cdn = 'https://cdn.jsdelivr.net/npm'
sheets = dict(pico=['@picocss/pico@2.0.6/css/pico.min.css'], monster=['franken-ui@2.0.0/dist/css/core.min.css',
    'tailwindcss@3.4.17/src/css/preflight.css', 'daisyui@4.12.24/dist/full.css'])
hdrs = [Link(rel='stylesheet', href=f'{cdn}/{o}') for o in sheets.get(look, ())]

async def strict(req, call_next):
    res = await call_next(req)
    res.headers['content-security-policy'] = f"default-src 'self'; style-src 'self' {'https://cdn.jsdelivr.net' if hdrs else ''}; img-src 'self' data:"
    return res

htmlkw = dict(lang='en', cls='uk-theme-blue' if look=='monster' else None)
app = FastHTML(default_hdrs=False, hdrs=hdrs, htmlkw=htmlkw, middleware=[Middleware(BaseHTTPMiddleware, dispatch=strict)], secret_key='x')
rt = app.route

def guard(req):
    if req.session.get('may')=='raise': raise RuntimeError('the table of users is gone')
    return req.session.get('may')

jobs_ui(app, lambda req: tenants['acme'], guard, edit=True)
operator_ui(app, tenants, guard)

@rt('/address', methods=['get'])
def address(): return PlainTextResponse(f'http://127.0.0.1:{port}')

@rt('/up', methods=['get'])
def up(): return 'up'

@rt('/as/{may}', methods=['get'])
def log_in(session, may:str):
    session['may'] = may
    return Redirect('/jobs')

@rt('/cards', methods=['get'])
def cards(ids:str): return Title('Cards'), Main(*[tenants['acme'].get_job(o) for o in ids.split(',')], cls='container')

uvicorn.run(app, port=int(port), log_level='error')
