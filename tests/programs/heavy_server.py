"An app without a worker, as `uvicorn heavy_server:app --workers 2` serves it: its jobs run in `Processes`. FOLDER is for its database and files"
import os

import heavy
from fasthtml.common import JSONResponse,fast_app
from fastlite import database

from tenant_tasks import BackgroundTaskManager,Processes,set_executors

folder = os.environ['FOLDER']
set_executors(cpu=Processes(1))
app,rt = fast_app(secret_key='x')
db = database(f'{folder}/acme.db')

def manager(): return BackgroundTaskManager(db)

@rt
def pid():
    job_id,bg_task = manager().submit('pid', heavy.pid)
    return JSONResponse(dict(job=job_id, server=os.getpid()), background=bg_task)

@rt
def hang(name:str):
    job_id,bg_task = manager().submit('hang', heavy.hang, path=f'{folder}/{name}', how='regex')
    return JSONResponse(dict(job=job_id, server=os.getpid()), background=bg_task)

@rt
def cancel(job:str): return manager().cancel_job(job).status

@rt
def up(): return 'yes'
