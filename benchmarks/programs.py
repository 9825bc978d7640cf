"Programs that the rows start in processes of their own: `python programs.py NAME ARGUMENTS`"
import asyncio,json,logging,os,sys

import psutil
from fastlite import database

from processes import end_after
from tasks import fails,nap,noop,start_delay
from tenant_tasks import BackgroundTaskManager,Tenants,Worker

def worker(folder):
    "A worker over a directory of tenants, as `tenant-tasks worker` runs one"
    Worker(Tenants(folder)).main()

def imports():
    "Import everything and print a line: the cost of starting any process"
    print('imported', flush=True)

# -- a light tenant next to a heavy one

async def light(folder, flood, probes):
    "Print the seconds until each job of a light tenant starts, while a heavy tenant has `flood` jobs"
    flood,probes = int(flood),int(probes)
    tenants = Tenants(folder)
    heavy,small,w = tenants.create('heavy'),tenants.create('light'),Worker(tenants)
    running = asyncio.ensure_future(w.run())
    await asyncio.sleep(1)
    if flood: heavy.submit_many('nap', nap, [dict(secs=.005)]*flood)
    w.nudge(heavy)
    for _ in range(probes):
        _,bg_task = await asyncio.to_thread(small.submit, 'noop', noop)
        await bg_task()
        await asyncio.sleep(.05)
    left = heavy.job_stats()['pending']
    while small.job_stats()['completed']<probes: await asyncio.sleep(.01)
    print(json.dumps(dict(waits=[start_delay(o) for o in small.list_jobs()], left=left)), flush=True)
    os._exit(0)

# -- the memory that a waiting job takes

def used_bytes(): return psutil.Process().memory_full_info().uss

async def waiting(folder, n):
    "Print the bytes that each job takes while it waits for its retry after `bg_task`"
    manager = BackgroundTaskManager(database(f'{folder}/waiting.db'), backoff=lambda n: 3600)
    async def start(n):
        jobs = manager.submit_many('fails', fails, [{}]*n)
        tasks = [asyncio.ensure_future(bg_task()) for _,bg_task in jobs]
        ids = {job_id for job_id,_ in jobs}
        while sum(o.retry_count for o in manager.list_jobs(limit=n) if o.id in ids)<n: await asyncio.sleep(.2)
        return tasks
    await print_growth(start, int(n))

async def sleeping(n):
    "Print the bytes that each coroutine takes that only sleeps"
    async def start(n):
        tasks = [asyncio.ensure_future(asyncio.sleep(3600)) for _ in range(n)]
        await asyncio.sleep(.1)
        return tasks
    await print_growth(start, int(n))

async def print_growth(
    start, # Async function that starts this many coroutines and returns them
    n:int, # Coroutines to measure
):
    "Print by how many bytes the process grows for each coroutine, after a first 50 that aren't counted"
    early = await start(50)
    before = used_bytes()
    tasks = await start(n)
    print((used_bytes()-before)/len(tasks), len(early), flush=True)
    os._exit(0)

programs = dict(worker=worker, imports=imports, light=light, waiting=waiting, sleeping=sleeping)

if __name__=='__main__':
    end_after(600)
    logging.disable(logging.ERROR)
    name,*args = sys.argv[1:]
    res = programs[name](*args)
    if asyncio.iscoroutine(res): asyncio.run(res)
