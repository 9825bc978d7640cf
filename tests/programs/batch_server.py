"An app without a worker that submits batches. Arguments: a database and a port"
import sys

import uvicorn
from fasthtml.common import fast_app
from fastlite import database
from starlette.background import BackgroundTasks

from tenant_tasks.run.attempt import current_job
from tenant_tasks.manager.manager import BackgroundTaskManager
from tenant_tasks.jobs.task import task

path,port = sys.argv[1:]
app,rt = fast_app(secret_key='x')
db = database(path)

@task
def page(n): return 100//n

@task
async def apage(n): return 100//n

@task
def tell(): return current_job().batch.counts

def manager(): return BackgroundTaskManager(db, backoff=lambda n: 0)

@rt
def go(size:int, kind:str):
    func = dict(page=page, apage=apage)[kind]
    subs = manager().submit_many('page', func, [dict(n=o) for o in range(size)], then=tell)
    return subs.batch, subs.bg_task

@rt
def one_by_one(size:int):
    subs = manager().submit_many('page', page, [dict(n=o) for o in range(size)], then=tell)
    return subs.batch, BackgroundTasks([o for _,o in subs])

@rt
def up(): return 'yes'

uvicorn.run(app, host='127.0.0.1', port=int(port), log_level='warning', timeout_graceful_shutdown=10)
