"Rows about what one job costs: submit, run, and both on a slow disk"
import asyncio,threading,time
from concurrent.futures import ThreadPoolExecutor

import apsw
from fastlite import Database,database
from huey import SqliteHuey

from harness import line,row
from jobs import noop
from tenant_tasks import BackgroundTaskManager,TenantJob,Worker,columns,ensure_schema,new_id,owner_id,timestamp,utcnow

full = 'both FULL'

# -- the sides

def connect(path, synchronous, vfs=None):
    "A connection in WAL mode"
    conn = apsw.Connection(str(path), vfs=vfs)
    conn.pragma('journal_mode', 'wal')
    conn.pragma('synchronous', synchronous)
    return conn

class Bare:
    "The row of a job and the commits that it needs, in bare apsw, with nothing around them"
    insert = f"INSERT INTO tenant_jobs VALUES ({', '.join(f':{o}' for o in columns)})"
    claim = "UPDATE tenant_jobs SET status='running', claim=?, started_at=?, lease_until=? WHERE id=?"
    settle = "UPDATE tenant_jobs SET status='completed', claim=NULL, lease_until=NULL, completed_at=? WHERE id=?"

    def __init__(self, folder, vfs=None, indexes=False):
        self.full,self.normal = [connect(folder/'bare.db', o, vfs) for o in ('FULL', 'NORMAL')]
        if indexes: ensure_schema(self.full)
        else: self.full.execute(f"CREATE TABLE tenant_jobs ({', '.join(columns.values())})")
        now = timestamp(utcnow())
        self.row = vars(TenantJob('', 'noop', created_at=now, run_at=now, task='noop', function='jobs.noop', owner=owner_id()))

    def submit(self):
        "One commit that is on disk"
        job_id = new_id()
        self.full.execute(self.insert, dict(self.row, id=job_id))
        return job_id

    def finish(self, job_id):
        "The two commits that follow, which need not be on disk"
        now = self.row['run_at']
        self.normal.execute(self.claim, (new_id(), now, now, job_id))
        self.normal.execute(self.settle, (now, job_id))

    def rate(self, n):
        "Jobs per second"
        start = time.perf_counter()
        for _ in range(n): self.finish(self.submit())
        return n/(time.perf_counter()-start)

def app_db(folder, vfs=None): return Database(connect(folder/'ours.db', 'FULL', vfs)) if vfs else database(folder/'ours.db')

class Countdown:
    "A no-op that tells when it has been called often enough"
    def __init__(self, n): self.left,self.lock,self.done = n,threading.Lock(),threading.Event()
    def __call__(self):
        with self.lock:
            self.left -= 1
            if not self.left: self.done.set()

def our_rate(
    folder, # For a new database
    n:int, # Jobs
    workers:int, # Jobs at a time
    first:bool=False, # Are all jobs submitted before the clock starts?
    vfs:str|None=None, # File system of the database
)->float: # Jobs per second, until the last one is settled
    "Our worker in this process, and one submit a job from another thread"
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
    fsync:bool, # Is each commit on disk?
    first:bool=False, # Are all jobs submitted before the clock starts?
)->float: # Jobs per second, until the last one has run
    "SqliteHuey's consumer in this process, and one submit a job from this thread"
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

def crowd_rate(
    f, # What to call
    n:int, # Calls in all
    threads:int=16, # At a time
)->float: # Calls per second
    "The same call from many threads at once, as a server makes it"
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda _: None, range(threads)))
        start = time.perf_counter()
        for o in [pool.submit(lambda: [f() for _ in range(n//threads)]) for _ in range(threads)]: o.result()
        return n/(time.perf_counter()-start)

def locked(f):
    "One thread at a time"
    lock = threading.Lock()
    def res():
        with lock: return f()
    return res

# -- the rows

def at_once(b, n, ours, **theirs):
    "Lines about submits from 16 threads"
    got = b.interleave(**{k:lambda f=f: crowd_rate(f, n) for k,f in dict(theirs, ours=ours).items()})
    sides = dict(bare='bare commits, one after another', fsync='SqliteHuey(fsync=True)')
    return [line('submit, 16 threads', got['ours'], got[k], unit='submits/s', against=sides[k], durable=full) for k in theirs]

@row
def submit(b):
    "`submit` against a bare apsw commit of a row with the same columns (WAL), and against putting a task into SqliteHuey; alone, and from 16 threads"
    folder = b.dir()
    manager,bare,indexed = BackgroundTaskManager(app_db(folder)),Bare(folder),Bare(b.dir(), indexes=True)
    hueys = {o:SqliteHuey(filename=str(folder/f'huey{o}.db'), fsync=o) for o in (True, False)}
    tasks = {k:v.task()(lambda: None) for k,v in hueys.items()}
    res = b.calls(b.n(500, 50), ours=lambda: manager.submit('noop', noop), bare=bare.submit, indexed=indexed.submit,
        fsync=tasks[True], nosync=tasks[False])
    sides = dict(bare='bare commit', indexed='bare commit, table with our indexes', fsync='SqliteHuey(fsync=True)', nosync='SqliteHuey(fsync=False)')
    def against(k): return dict(against=sides[k], unit='µs', durable='ours FULL, theirs OFF' if k=='nosync' else full)
    lines = [line('submit', res['ours'], res[k], **against(k), budget=('<=', 1.5) if k=='bare' else None) for k in sides]
    return lines+at_once(b, b.n(4000, 160), ours=lambda: manager.submit('noop', noop), bare=locked(bare.submit), fsync=tasks[True])

@row
def run(b):
    "Submit, run and settle no-op jobs, at 1 and 8 workers, against SqliteHuey's thread workers and against the bare commits of a job"
    n,res = b.n(1000, 100),[]
    for first,what in ((False, 'submit and run'), (True, 'run what is there')):
        for workers in (1, 8):
            sides = dict(ours=lambda: our_rate(b.dir(), n, workers, first), fsync=lambda: huey_rate(b.dir(), n, workers, True, first),
                nosync=lambda: huey_rate(b.dir(), n, workers, False, first), bare=lambda: Bare(b.dir()).rate(n))
            got,name = b.interleave(**sides),f"{what}, {workers} worker{'s'*(workers>1)}"
            def against(k, text, durable, **kw): res.append(line(name, got['ours'], got[k], unit='jobs/s', against=text, durable=durable, **kw))
            against('fsync', 'SqliteHuey(fsync=True)', 'ours FULL, NORMAL, NORMAL; theirs FULL, FULL', budget=('>=', 1))
            against('nosync', 'SqliteHuey(fsync=False)', 'ours FULL, NORMAL, NORMAL; theirs OFF')
            if not first: against('bare', 'bare commits', 'both FULL, NORMAL, NORMAL')
    return res

# -- a slow disk

delay = .005 # Seconds that each sync takes longer

class SlowDisk(apsw.VFS):
    "A file system on which a sync takes its time"
    name = 'slow_disk'
    def __init__(self): super().__init__(self.name, '')
    def xOpen(self, name, flags): return SlowFile('', name, flags)

class SlowFile(apsw.VFSFile):
    "A file whose sync takes its time"
    def xSync(self, flags):
        time.sleep(delay)
        super().xSync(flags)

@row
def slow_disk(b):
    "Rows `submit` and `run` where each sync takes 5 ms longer, against bare commits on the same disk; Huey can't use this file system"
    disk,folder,n = SlowDisk(),b.dir(),b.n(60, 15)
    manager,bare = BackgroundTaskManager(app_db(folder, disk.name)),Bare(folder, disk.name)
    got = b.calls(n, ours=lambda: manager.submit('noop', noop), bare=bare.submit)
    res = [line('submit', got['ours'], got['bare'], unit='µs', against='bare commit', durable=full, budget=('<=', 1.5))]
    res += at_once(b, b.n(320, 64), ours=lambda: manager.submit('noop', noop), bare=locked(bare.submit))
    n = b.n(200, 40)
    for workers in (1, 8):
        got = b.interleave(ours=lambda: our_rate(b.dir(), n, workers, vfs=disk.name), bare=lambda: Bare(b.dir(), disk.name).rate(n))
        res.append(line(f"submit and run, {workers} worker{'s'*(workers>1)}", got['ours'], got['bare'], unit='jobs/s',
            against='bare commits', durable='both FULL, NORMAL, NORMAL'))
    return res
