"An app without a worker, as uvicorn serves it: its jobs run in `Processes`. FOLDER is for its database and files"
import os

import heavy
from fasthtml.common import JSONResponse,fast_app
from helpers import manager_at

from tenant_tasks import Processes,set_executors

folder = os.environ['FOLDER']
set_executors(cpu=Processes(1))
app,rt = fast_app(secret_key='x')
manager = manager_at(f'{folder}/acme.db')

def submit(func, **kw):
    job_id,bg_task = manager.submit('heavy', func, **kw)
    return JSONResponse(dict(job=job_id, server=os.getpid()), background=bg_task)

@rt
def pid(): return submit(heavy.pid)

@rt
def hang(name:str): return submit(heavy.hang, path=f'{folder}/{name}', how='regex')

@rt
def cancel(job:str): return JSONResponse(manager.cancel_job(job).status)

@rt
def up(): return JSONResponse('yes')
