"The row servers: job queues that need a server of their own, on one machine, with the same durability"
import asyncio,logging,os,shutil,subprocess,sys,threading
from contextlib import contextmanager,nullcontext
from pathlib import Path
from time import perf_counter

from fastcore.net import free_port

from processes import end_after,process,read_line,wait_for
from rates import Countdown,our_rate
from rows import line,row
from tasks import noop

@contextmanager
def started(
    args:list, # The command
    is_up, # Called until it returns something true
    **kw, # For `Popen`
):
    "A server that runs until the end of the block"
    proc = subprocess.Popen(list(map(str, args)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **kw)
    try:
        wait_for(is_up)
        yield
    finally:
        proc.terminate()
        proc.wait()

def redis_server(folder):
    "A Redis that syncs its file before it answers, and its URL"
    from redis import Redis
    port = free_port()
    synced = '--appendonly', 'yes', '--appendfsync', 'always', '--save', ''
    args = ['redis-server', '--port', port, '--dir', folder, *synced]
    def is_up():
        try: return Redis(port=port).ping()
        except Exception: return False
    return started(args, is_up), f'redis://127.0.0.1:{port}'

def postgres_bin():
    "Where PostgreSQL's programs are: Debian keeps them out of the PATH"
    found = [*map(str, Path('/usr/lib/postgresql').glob('*/bin')), *os.get_exec_path()]
    return next((Path(o) for o in found if Path(o, 'initdb').exists()), None)

def postgres_server(folder):
    "A PostgreSQL with its own settings, which sync each commit, and its URL; it refuses to run as root"
    user = dict(user='postgres') if os.geteuid()==0 else {}
    for o in (folder, *folder.parents[:2]): o.chmod(0o711)
    data,port,programs = folder/'data',free_port(),postgres_bin()
    data.mkdir()
    if user: shutil.chown(data, 'postgres')
    init = [programs/'initdb', '-D', data, '-U', 'bench', '-A', 'trust']
    subprocess.run(init, check=True, stdout=subprocess.DEVNULL, **user)
    url = f'postgresql://bench@127.0.0.1:{port}/postgres'
    def is_up(): return not subprocess.run([programs/'pg_isready', '-q', '-d', url]).returncode
    args = [programs/'postgres', '-D', data, '-p', port, '-h', '127.0.0.1', '-k', '']
    return started(args, is_up, **user), url

# -- one process for each side: it submits one by one and works at the same time

def ours(folder, url, n, workers): return our_rate(folder, n, workers)

def rq(folder, url, n, workers):
    "RQ's worker that doesn't fork for each job, the fastest it has; one job at a time"
    from redis import Redis
    from rq import Queue,SimpleWorker
    queue,worker = Queue(connection=Redis.from_url(url)),SimpleWorker(['default'], connection=Redis.from_url(url))
    submitting = threading.Thread(target=lambda: [queue.enqueue(noop) for _ in range(n)])
    start = perf_counter()
    submitting.start()
    worker.work(max_jobs=n, logging_level='ERROR')
    return n/(perf_counter()-start)

def procrastinate(folder, url, n, workers):
    "procrastinate's worker, which PostgreSQL tells of new jobs"
    from procrastinate import App,PsycopgConnector
    app = App(connector=PsycopgConnector(conninfo=url, min_size=workers+2, max_size=workers+2))
    work = app.task(name='noop')(noop)
    async def timed():
        async with app.open_async():
            await app.schema_manager.apply_schema_async()
            working = asyncio.ensure_future(app.run_worker_async(concurrency=workers, install_signal_handlers=False))
            await asyncio.sleep(.5)
            start = perf_counter()
            for _ in range(n): await work.defer_async()
            await asyncio.to_thread(noop.calls.done.wait, 120)
            res = n/(perf_counter()-start)
            working.cancel()
            await asyncio.wait([working])
            return res
    return asyncio.run(timed())

sides = dict(ours=ours, rq=rq, procrastinate=procrastinate)

def missing(name):
    "Why a side can't be measured here, or ''"
    try: __import__(name)
    except ImportError: return f'{name} is not installed'
    there = shutil.which('redis-server') if name=='rq' else postgres_bin()
    return '' if there else f"no {'redis-server' if name=='rq' else 'PostgreSQL'} on this machine"

def rate_of(b, name, n, workers):
    "Run one side in a process of its own, and its server beside it"
    folder = b.dir()
    server,url = dict(rq=redis_server, procrastinate=postgres_server).get(name, lambda _: (nullcontext(), '-'))(folder)
    with server, process('servers.py', name, folder, url, n, workers) as proc: return float(read_line(proc))

@row
def servers(b):
    "Submit and run no-op jobs, against RQ with a Redis and procrastinate with a PostgreSQL on the same machine; both sync each write before they answer. A side whose server isn't there is left out, with the reason"
    n,res = b.n(1000, 60),[]
    about = dict( # chkstyle: ignore-node
        rq=('RQ with Redis, one job at a time', 1, 'ours FULL, NORMAL, NORMAL; theirs appendfsync always'),
        procrastinate=('procrastinate with PostgreSQL, 8 at a time', 8, 'ours FULL, NORMAL, NORMAL; theirs fsync on'))
    for name,(against,workers,durable) in about.items():
        if why := missing(name): print(f'  {against}: left out, {why}')
        else:
            got = b.interleave(ours=lambda: rate_of(b, 'ours', n, workers), theirs=lambda: rate_of(b, name, n, workers))
            what = f"submit and run, {workers} worker{'s'*(workers>1)}"
            res.append(line(what, got['ours'], got['theirs'], unit='jobs/s', against=against, durable=durable))
    return res

if __name__=='__main__':
    end_after(120)
    logging.disable(logging.ERROR)
    name,folder,url,n,workers = sys.argv[1:]
    noop.calls = Countdown(int(n))
    print(sides[name](Path(folder), url, int(n), int(workers)), flush=True)
    os._exit(0)
