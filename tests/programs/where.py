"A web server, or a worker beside it, whose jobs return their process id: web, worker or stranger, a directory, a port"
import logging,os,sys,time

import uvicorn
from fasthtml.common import fast_app

from tenant_tasks import Tenants,Worker,task
from tenant_tasks.jobs.task import find_task
from tenant_tasks.run import peers

kind,folder,port = sys.argv[1:]
if 'DEAF' in os.environ: peers._listen_at = lambda name: None
app,rt = fast_app(secret_key='x')
tenants = Tenants(folder, suffix=os.environ.get('SUFFIX', '.db'))

def where(): return os.getpid()
def unnamed(): return os.getpid()
def failing(): raise OSError
def slow():
    time.sleep(.5 if kind=='web' else 60)
    return os.getpid()

if kind!='stranger':
    for o in (where, slow): task(o)
    task(backoff=lambda n: 60)(failing)

if kind=='web' or 'REPORTS' in os.environ: task(lambda: os.getpid(), name='report')

def submit(name): return tenants['acme'].submit(name, globals()[name])

@rt
def run(name:str): return submit(name)

@rt
def batch(name:str):
    report = find_task('report').func
    return tenants['acme'].submit_many(name, globals()[name], [{}, {}], then=report).bg_task

@rt
def up(): return 'yes'

logging.basicConfig(format='%(levelname)s %(message)s')
if kind=='web': uvicorn.run(app, host='127.0.0.1', port=int(port), log_level='warning')
else: Worker(tenants, look_every=float(os.environ.get('LOOK_EVERY', 60)), grace=.2).main()
