"An app with a worker that runs its jobs. Arguments: a directory of tenants and a port"
import asyncio,sys,time

import uvicorn
from fasthtml.common import fast_app

from tenant_tasks.task import task
from tenant_tasks.tenants import Tenants
from tenant_tasks.worker import Worker

folder,port = sys.argv[1:]

@task
def slow(secs): time.sleep(secs)

@task
async def aslow(secs): await asyncio.sleep(secs)

tenants = Tenants(folder)
worker = Worker(tenants, grace=.5, look_every=.05)
app,rt = fast_app(secret_key='x', lifespan=worker.lifespan)

@rt
def go(secs:float):
    tasks = [tenants.create(o).submit(f.__name__, f, secs=secs) for o in ('acme', 'globex') for f in (slow, aslow)]
    return 'submitted', *[o for _,o in tasks]

@rt
def up(): return 'yes'

uvicorn.run(app, host='127.0.0.1', port=int(port), log_level='warning')
