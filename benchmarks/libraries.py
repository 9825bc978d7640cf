"The row libraries, and the processes that it starts: `python libraries.py NAME FOLDER COUNT TOGETHER`"
import asyncio,logging,os,sys
from functools import partial
from pathlib import Path
from time import perf_counter

from processes import end_after,process,read_line
from rates import app_db,huey_rate,our_rate
from rows import line,row
from tasks import noop,ten_steps
from tenant_tasks import BackgroundTaskManager

def ours(folder, n, together, func=noop):
    "Our worker; or, one at a time, `submit` and its background task"
    if together>1: return our_rate(folder, n, together, func=func)
    manager = BackgroundTaskManager(app_db(folder))
    async def timed():
        start = perf_counter()
        for _ in range(n):
            _,bg_task = manager.submit('noop', func)
            await bg_task()
        return n/(perf_counter()-start)
    return asyncio.run(timed())

def huey(folder, n, together): return huey_rate(folder, n, together, fsync=True)

def dbos(folder, n, together, steps=0):
    "DBOS on SQLite with its own settings, without a connection to Conductor and without telemetry"
    from dbos import DBOS
    @DBOS.step()
    def step(): pass
    @DBOS.workflow()
    def work():
        for _ in range(steps): step()
    DBOS(config=dict(name='bench', system_database_url=f'sqlite:///{folder}/dbos.db', max_executor_threads=together,
        enable_otlp=False, log_level='ERROR'))
    DBOS.launch()
    DBOS.start_workflow(work).get_result()
    start = perf_counter()
    if together==1: [DBOS.start_workflow(work).get_result() for _ in range(n)]
    else: [o.get_result() for o in [DBOS.start_workflow(work) for _ in range(n)]]
    return n/(perf_counter()-start)

def taskflow(folder, n, together):
    "fastapi-taskflow on its SQLite backend, without an app around it"
    from fastapi_taskflow import TaskManager
    from fastapi_taskflow.wrapper import ManagedBackgroundTasks
    manager = TaskManager(snapshot_db=f'{folder}/taskflow.db', requeue_pending=True)
    @manager.task(retries=3, delay=1.0, backoff=2.0, persist=True)
    def work(): pass
    async def once():
        tasks = ManagedBackgroundTasks(manager)
        tasks.add_task(work)
        await tasks()
    async def timed():
        await manager.startup()
        start = perf_counter()
        for _ in range(n//together): await asyncio.gather(*[once() for _ in range(together)])
        return n/(perf_counter()-start)
    return asyncio.run(timed())

sides = dict(ours=ours, huey=huey, dbos=dbos, taskflow=taskflow)
with_steps = dict(ours_steps=partial(ours, func=ten_steps), dbos_steps=partial(dbos, steps=10))

def rate_of(
    b, # The benchmark
    name:str, # A side
    n:int, # Jobs
    together:int, # Jobs at a time
)->float: # Jobs per second
    "Run one side in a process of its own"
    with process('libraries.py', name, b.dir(), n, together) as proc: return float(read_line(proc))

@row
def libraries(b):
    "Submit and run no-op jobs, against DBOS on SQLite (`start_workflow` and `get_result`), SqliteHuey and fastapi-taskflow; one after another, and 8 at a time"
    res,n = [],b.n(500, 40)
    about = dict( # chkstyle: ignore-node
        dbos=('DBOS', 'ours FULL in a WAL, NORMAL, NORMAL; theirs FULL in a rollback journal'),
        huey=('SqliteHuey(fsync=True)', 'ours FULL, NORMAL, NORMAL; theirs FULL, FULL'),
        taskflow=('fastapi-taskflow', 'ours FULL, NORMAL, NORMAL; theirs one FULL commit after the task has run'))
    budgets = dict(dbos=('>=', 6), taskflow=('>=', 1))
    for together,what in ((1, 'one after another'), (8, '8 at a time')):
        names = [o for o in sides if together>1 or o!='huey'] # A wait for one result of Huey is a sleep
        got = b.interleave(**{o:lambda o=o: rate_of(b, o, n, together) for o in names})
        for o in names[1:]:
            against,durable = about[o]
            res.append(line(f'submit and run, {what}', got['ours'], got[o], unit='jobs/s', against=against,
                durable=durable, budget=budgets.get(o)))
    return res

if __name__=='__main__':
    end_after(300)
    logging.disable(logging.ERROR)
    name,folder,n,together = sys.argv[1:]
    print((sides|with_steps)[name](Path(folder), int(n), int(together)), flush=True)
    os._exit(0)
