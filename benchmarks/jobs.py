"Tasks that the rows run, and the processes that run them"
import asyncio,json,os,sys,time

import psutil
from fastlite import database

from tenant_tasks import BackgroundTaskManager,Tenants,Worker,current_job,parse_time,task

@task
def noop():
    "Does nothing, or tells that it was called"
    if calls := getattr(noop, 'calls', None): calls()

@task
def nap(secs): time.sleep(secs)

@task
def hold():
    "Holds its first process until that is killed, and tells when it is resumed"
    print('held' if current_job().attempt==1 else 'resumed', flush=True)
    if current_job().attempt==1: time.sleep(300)

def worker(folder):
    "A worker over a directory of tenants, as `tenant-tasks worker` runs one"
    Worker(Tenants(folder)).main()

def imports():
    "What any start of a process costs"
    print('imported', flush=True)

# -- a light tenant beside a heavy one

async def light(folder, flood, probes):
    "Seconds until each of a light tenant's jobs starts, while a heavy tenant has `flood` jobs"
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
    waits = [(parse_time(o.started_at)-parse_time(o.created_at)).total_seconds() for o in small.list_jobs()]
    print(json.dumps(dict(waits=waits, left=left)), flush=True)
    os._exit(0)

# -- what a job that waits costs in memory

def fails(): raise ConnectionError('not now')

def memory(): return psutil.Process().memory_full_info().uss

async def waiting(folder, n):
    "Bytes of each job that waits for its retry after `bg_task`"
    manager = BackgroundTaskManager(database(f'{folder}/waiting.db'), backoff=lambda n: 3600)
    async def wait_for_all(jobs):
        tasks = [asyncio.ensure_future(o()) for _,o in jobs]
        ids = {o for o,_ in jobs}
        while sum(o.retry_count for o in manager.list_jobs(limit=len(jobs)) if o.id in ids)<len(jobs): await asyncio.sleep(.2)
        return tasks
    early = await wait_for_all(manager.submit_many('fails', fails, [{}]*50))
    before = memory()
    tasks = await wait_for_all(manager.submit_many('fails', fails, [{}]*n))
    print((memory()-before)/len(tasks), len(early), flush=True)
    os._exit(0)

async def sleeping(n):
    "Bytes of each coroutine that sleeps and does nothing else"
    early = [asyncio.ensure_future(asyncio.sleep(3600)) for _ in range(50)]
    await asyncio.sleep(.1)
    before = memory()
    tasks = [asyncio.ensure_future(asyncio.sleep(3600)) for _ in range(n)]
    await asyncio.sleep(.1)
    print((memory()-before)/len(tasks), len(early), flush=True)
    os._exit(0)

if __name__=='__main__':
    import logging
    from harness import at_most
    at_most(600)
    logging.disable(logging.ERROR)
    what,*args = sys.argv[1:]
    if what=='worker': worker(args[0])
    if what=='imports': imports()
    if what=='light': asyncio.run(light(args[0], int(args[1]), int(args[2])))
    if what=='waiting': asyncio.run(waiting(args[0], int(args[1])))
    if what=='sleeping': asyncio.run(sleeping(int(args[0])))
