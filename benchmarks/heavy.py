"Programs whose tasks run in `Processes`, each in a process of its own: `python heavy.py NAME ARGUMENTS`"
import asyncio,time

from fastlite import database

from processes import run_program
from tenant_tasks import BackgroundTaskManager,Processes,Tenants,Worker,set_executors,task

def compute(secs):
    "Compute in Python for so many seconds of processor time"
    end = time.process_time()+secs
    while time.process_time()<end: pass

@task(on='cpu')
def far(secs=0): compute(secs)

@task
def near(secs=0): compute(secs)

def new_manager(folder): return BackgroundTaskManager(database(f'{folder}/heavy.db'))

async def warm_up(manager, n):
    "Have every process started, and the tasks found there"
    await asyncio.gather(*[o() for _,o in manager.submit_many('warm', far, [dict(secs=.1)]*n)])

async def rate(folder, n, processes, secs):
    "Print the jobs per second that a worker gets done in so many processes, of jobs that are there and compute for `secs`"
    n,processes,manager = int(n),int(processes),new_manager(folder)
    set_executors(cpu=Processes(processes))
    await warm_up(manager, 2*processes)
    before = manager.job_stats()['completed']
    manager.submit_many('far', far, [dict(secs=float(secs))]*n)
    worker,start = Worker(dict(heavy=manager.db)),time.perf_counter()
    running = asyncio.ensure_future(worker.run())
    while manager.job_stats()['completed']<before+n: await asyncio.sleep(.02)
    print(n/(time.perf_counter()-start), flush=True)
    worker.stop()
    await running

async def one_by_one(folder, n, where):
    "Print the microseconds from the start of `bg_task` until a no-op job is settled, one job after the other"
    n,manager,func = int(n),new_manager(folder),dict(far=far, near=near)[where]
    set_executors(cpu=Processes(1))
    await warm_up(manager, 2)
    tasks = [o for _,o in manager.submit_many(where, func, [{}]*n)]
    start = time.perf_counter()
    for o in tasks: await o()
    print((time.perf_counter()-start)/n*1e6, flush=True)

def serve(folder, port):
    "An app with a worker in it: a ping, and jobs that compute for so many seconds in a process or in a thread"
    import uvicorn
    from fasthtml.common import fast_app
    tenants = Tenants(folder)
    manager = tenants.create('acme')
    app,rt = fast_app(lifespan=Worker(tenants, executors=dict(cpu=Processes(2))).lifespan)
    @rt('/ping')
    def ping(): return 'pong'
    @rt('/far')
    def far_(secs:float): return manager.submit('far', far, secs=secs)
    @rt('/near')
    def near_(secs:float): return manager.submit('near', near, secs=secs)
    @rt('/running')
    def running(): return str(manager.job_stats()['running'])
    uvicorn.run(app, host='127.0.0.1', port=int(port), log_config=None, access_log=False)

programs = dict(rate=rate, one_by_one=one_by_one, serve=serve)

if __name__=='__main__': run_program(programs)
