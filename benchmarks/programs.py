"Programs that the rows start in processes of their own: `python programs.py NAME ARGUMENTS`"
import asyncio,json,os,random

import psutil
from fastlite import database

from processes import run_program
from tasks import fails,nap,noop,ping,start_delay
from tenant_tasks import BackgroundTaskManager,Tenants,Worker

def worker(folder):
    "A worker over a directory of tenants, as `tenant-tasks worker` runs one"
    Worker(Tenants(folder)).main()

def backlog(folder, count):
    "Wait for a line of input, then run a worker over a directory of tenants; each no-op job adds a byte to a file"
    fd,w = os.open(count, os.O_WRONLY|os.O_APPEND|os.O_CREAT),Worker(Tenants(folder))
    noop.calls = lambda: os.write(fd, b'.')
    print('ready', flush=True)
    input()
    w.main()

def imports():
    "Import everything and print a line: the cost of starting any process"
    print('imported', flush=True)

# -- light tenants next to busy ones

async def light(folder, busy, lights, probes, pause):
    "Print the seconds that each job of some light tenants waits for its start, while `busy` other tenants have jobs"
    busy,lights,probes,pause = int(busy),int(lights),int(probes),float(pause)
    tenants,loop = Tenants(folder),asyncio.get_running_loop()
    small,done = [tenants.create(f'light{i}') for i in range(lights)],[asyncio.Event() for _ in range(lights)]
    ping.calls = lambda i: loop.call_soon_threadsafe(done[i].set)
    ran = asyncio.Semaphore(0)
    nap.calls = lambda: loop.call_soon_threadsafe(ran.release)
    running = asyncio.ensure_future(Worker(tenants).run())
    await asyncio.sleep(.5)
    for _ in range(4*busy): await ran.acquire()
    async def probe(i):
        for _ in range(probes):
            await asyncio.sleep(pause*(1+random.random()))
            done[i].clear()
            _,bg_task = await asyncio.to_thread(small[i].submit, 'ping', ping, i=i)
            await bg_task()
            await done[i].wait()
    await asyncio.gather(*[probe(i) for i in range(lights)])
    left = all(tenants[f't{i}'].job_stats()['pending'] for i in range(busy))
    print(json.dumps(dict(waits=[start_delay(o) for m in small for o in m.list_jobs()], left=left)), flush=True)
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

programs = dict(worker=worker, backlog=backlog, imports=imports, light=light, waiting=waiting, sleeping=sleeping)

if __name__=='__main__': run_program(programs)
