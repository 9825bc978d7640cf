"How many jobs or calls per second each side gets done"
import asyncio,threading,time
from concurrent.futures import ThreadPoolExecutor

from fastlite import Database,database
from huey import SqliteHuey

from bare import connect
from tasks import noop
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
)->float: # Jobs per second, until the last one is settled
    "Run our worker in this process, and submit jobs one by one from another thread"
    manager,counted = BackgroundTaskManager(app_db(folder, vfs)),Countdown(n)
    noop.calls = counted
    worker = Worker(dict(ours=manager.db), concurrency=workers, per_tenant=workers)
    def submit():
        for _ in range(n):
            manager.submit('noop', noop)
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
