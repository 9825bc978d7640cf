"An app whose jobs run after the response, or in its worker. Arguments: bare or worker, a directory of tenants, a port"
import asyncio,sys,time

import uvicorn
from fasthtml.common import fast_app

from tenant_tasks import Tenants,Worker,task

kind,folder,port = sys.argv[1:]
tenants = Tenants(folder)
lifespan = Worker(tenants, grace=.5, look_every=.05).lifespan if kind=='worker' else None
app,rt = fast_app(secret_key='x', lifespan=lifespan)

@task
def slow(secs): time.sleep(secs)

@task
async def aslow(secs): await asyncio.sleep(secs)

@task
def boom(secs): raise ValueError

@rt
def go(names:str, jobs:str):
    todo = [(globals()[f], float(secs)) for f,secs in (o.split(':') for o in jobs.split(','))]
    subs = [tenants.create(o).submit(f.__name__, f, secs=secs) for o in names.split(',') for f,secs in todo]
    return 'submitted', *[o for _,o in subs]

@rt
def up(): return 'yes'

uvicorn.run(app, host='127.0.0.1', port=int(port), log_level='warning', timeout_graceful_shutdown=3)
