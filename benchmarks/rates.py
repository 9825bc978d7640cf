"How many jobs or calls per second each side gets done"
import asyncio,threading,time
from concurrent.futures import ThreadPoolExecutor

from fastlite import Database,database
from huey import SqliteHuey

from bare import connect
from tasks import async_nap,noop
from tenant_tasks import BackgroundTaskManager,Worker

def app_db(
    folder, # For a new database
    vfs:str|None=None, # SQLite's name for a file system
)->Database:
    "A tenant's database, as an app opens it"
    return Database(connect(folder/'ours.db', 'FULL', vfs)) if vfs else database(folder/'ours.db')

class Countdown:
    "A no-op that sets the event `done` at its `n`-th call"
    def __init__(self, n):
        self.left = n
        self.lock = threading.Lock()
        self.done = threading.Event()

    def __call__(self):
        with self.lock:
            self.left -= 1
            if not self.left: self.done.set()

def our_rate(
    folder, # For a new database
    n:int, # Jobs
    workers:int, # Jobs at a time
    first:bool=False, # Submit all jobs before the clock starts?
    vfs:str|None=None, # SQLite's name for a file system
    func=noop, # What the jobs call: `noop` or `async_noop`
)->float: # Jobs per second, until the last one is settled
    "Run our worker in this process, and submit jobs one by one from another thread"
    manager,counted = BackgroundTaskManager(app_db(folder, vfs)),Countdown(n)
    func.calls = counted
    worker = Worker(dict(ours=manager.db), concurrency=workers, per_tenant=workers)
    def submit():
        for _ in range(n):
            manager.submit('noop', func)
            worker.nudge(manager)
    async def timed():
        if first: submit()
        running = asyncio.ensure_future(worker.run())
        await asyncio.sleep(0)
        start = time.perf_counter()
        if not first: await asyncio.to_thread(submit)
        await asyncio.to_thread(counted.done.wait, 120)
        while manager.job_stats()['completed']<n: await asyncio.sleep(.001)
        res = n/(time.perf_counter()-start)
        worker.stop()
        await running
        return res
    return asyncio.run(timed())

def bg_rate(
    folder, # For a new database
    n:int, # Jobs
    func=noop, # What they call
    together:int=16, # Background tasks at a time
)->float: # Jobs per second, without the time of `submit`
    "Run the background tasks of jobs in this process, as a server does after its answers"
    func.calls = None
    tasks = [o for _,o in BackgroundTaskManager(app_db(folder)).submit_many('noop', func, [{}]*n)]
    async def timed():
        start = time.perf_counter()
        for i in range(0, n, together): await asyncio.gather(*[o() for o in tasks[i:i+together]])
        return n/(time.perf_counter()-start)
    return asyncio.run(timed())

def nap_secs(
    folder, # For a new database
    n:int, # Jobs
    places:int, # Jobs at a time
    secs:float, # How long each sleeps
)->float: # Seconds, until the last one is settled
    "Run async jobs that sleep"
    manager = BackgroundTaskManager(app_db(folder))
    manager.submit_many('nap', async_nap, [dict(secs=secs)]*n)
    worker = Worker(dict(ours=manager.db), concurrency=places, per_tenant=places)
    async def timed():
        start,running = time.perf_counter(),asyncio.ensure_future(worker.run())
        while manager.job_stats()['completed']<n: await asyncio.sleep(.02)
        res = time.perf_counter()-start
        worker.stop()
        await running
        return res
    return asyncio.run(timed())

def bare_nap_secs(
    n:int, # Coroutines
    places:int, # Coroutines at a time
    secs:float, # How long each sleeps
)->float: # Seconds
    "Run coroutines that sleep, behind a semaphore"
    async def nap(places):
        async with places: await asyncio.sleep(secs)
    async def timed():
        start,sem = time.perf_counter(),asyncio.Semaphore(places)
        await asyncio.gather(*[nap(sem) for _ in range(n)])
        return time.perf_counter()-start
    return asyncio.run(timed())

def huey_rate(
    folder, # For a new database
    n:int, # Jobs
    workers:int, # Threads of its consumer
    fsync:bool, # Does each commit wait for the disk?
    first:bool=False, # Submit all jobs before the clock starts?
)->float: # Jobs per second, until the last one has run
    "Run SqliteHuey's consumer in this process, and submit jobs one by one from this thread"
    huey,counted = SqliteHuey(filename=str(folder/'huey.db'), fsync=fsync),Countdown(n)
    @huey.task()
    def task(): counted()
    if first: [task() for _ in range(n)]
    consumer = huey.create_consumer(workers=workers, periodic=False, check_worker_health=False)
    start = time.perf_counter()
    consumer.start()
    if not first: [task() for _ in range(n)]
    counted.done.wait(120)
    res = n/(time.perf_counter()-start)
    consumer.stop(graceful=True)
    huey.storage.close()
    return res

def threaded_rate(
    f, # Function to call
    n:int, # Calls in all
    threads:int=16, # Threads that call it
)->float: # Calls per second
    "Call a function from many threads at once, as a server does"
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda _: None, range(threads)))
        start = time.perf_counter()
        for o in [pool.submit(lambda: [f() for _ in range(n//threads)]) for _ in range(threads)]: o.result()
        return n/(time.perf_counter()-start)

def locked(f):
    "The same function, for one thread at a time"
    lock = threading.Lock()
    def res():
        with lock: return f()
    return res
