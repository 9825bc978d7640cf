"The same routes in several apps, each served by uvicorn in a process of its own: `python apps.py ours FOLDER PORT`"
import asyncio,logging,sys,time
from pathlib import Path

import uvicorn

from processes import end_after

def work(user_id='1'): pass
def slow(): time.sleep(.3)
def fails(): raise ConnectionError('not now')

def plain(folder):
    "FastHTML with Starlette's own BackgroundTask, which writes nothing and retries nothing"
    from fasthtml.common import fast_app
    from starlette.background import BackgroundTask
    app,rt = fast_app()
    @rt('/submit')
    def submit(): return 'job', BackgroundTask(work, user_id='1')
    @rt('/slow')
    def slow_(): return 'job', BackgroundTask(slow)
    @rt('/waits')
    def waits(): return 'job', BackgroundTask(asyncio.sleep, 3600)
    @rt('/ping')
    def ping(): return 'pong'
    return app

def ours(folder, worker=False):
    "FastHTML with a job for each request, which runs as `bg_task` or in a worker in the app"
    from fasthtml.common import JSONResponse,fast_app
    from tenant_tasks import BackgroundTaskManager,Tenants,Worker,task
    task(work)
    tenants = Tenants(folder)
    db = tenants.create('acme').db
    app,rt = fast_app(lifespan=Worker(tenants).lifespan) if worker else fast_app()
    @rt('/submit')
    def submit():
        job_id,bg_task = BackgroundTaskManager(db).submit('work', work, user_id='1')
        return job_id, bg_task
    @rt('/slow')
    def slow_(): return BackgroundTaskManager(db).submit('slow', slow)
    @rt('/waits')
    def waits(): return BackgroundTaskManager(db, backoff=lambda n: 3600).submit('fails', fails)
    @rt('/ping')
    def ping(): return 'pong'
    count_left = "SELECT count(*) AS n FROM tenant_jobs WHERE status IN ('pending','running') AND retry_count=0"
    @rt('/left')
    def left(): return JSONResponse(db.q(count_left)[0]['n'])
    return app

def bare(folder):
    "FastHTML with the bare commits of a job: a FULL one before the answer, two NORMAL ones after it"
    from threading import Lock
    from fasthtml.common import fast_app
    from starlette.background import BackgroundTask
    from bare import Bare
    jobs,lock = Bare(Path(folder)),Lock()
    app,rt = fast_app()
    def finish(job_id):
        with lock: jobs.finish(job_id)
    @rt('/submit')
    def submit():
        with lock: job_id = jobs.submit()
        return job_id, BackgroundTask(finish, job_id)
    return app

def taskflow(folder):
    "FastAPI with fastapi-taskflow, set up as in its documentation, on its SQLite backend"
    from fastapi import BackgroundTasks,FastAPI
    from fastapi_taskflow import TaskAdmin,TaskManager
    manager = TaskManager(snapshot_db=f'{folder}/taskflow.db', requeue_pending=True)
    app = FastAPI()
    TaskAdmin(app, manager, auto_install=True)
    job = manager.task(retries=3, delay=1.0, backoff=2.0, persist=True)(work)
    @app.get('/submit')
    def submit(background_tasks:BackgroundTasks): return dict(task_id=background_tasks.add_task(job, user_id='1'))
    return app

apps = dict(plain=plain, bare=bare, ours=ours, worker=lambda folder: ours(folder, worker=True), taskflow=taskflow)

if __name__=='__main__':
    end_after(300)
    logging.disable(logging.ERROR)
    name,folder,port = sys.argv[1:]
    uvicorn.run(apps[name](folder), host='127.0.0.1', port=int(port), log_config=None, access_log=False)
