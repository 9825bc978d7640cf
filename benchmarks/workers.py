"Rows about workers: idle, fair, memory, restart"
import json,random,shutil,time
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import apsw,psutil
from fastlite import database

from measure import percentile
from processes import process,read_line,wait_for
from rows import line,row
from tasks import hold,noop,start_delay
from tenant_tasks import BackgroundTaskManager
from tenant_tasks.link import retry_busy

def open_manager(path):
    "The manager of a file that other processes may be using"
    return BackgroundTaskManager(retry_busy(lambda: database(path)))

def make_tenants(
    folder, # An empty directory
    n:int, # Number of tenants
    func=None, # A task; each tenant gets a job that calls it
)->Path: # The directory
    "Make many tenants, as copies of one"
    model = folder/'model'
    manager = open_manager(model)
    if func: manager.submit('job', func)
    manager.db.conn.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    for i in range(n): shutil.copyfile(model, folder/f't{i}.db')
    return folder

# -- many idle tenants

def cpu_secs(proc): return sum(proc.cpu_times()[:2])

def cpu_shares(procs, secs):
    "The share of a core that each process uses over the next seconds"
    before,start = [cpu_secs(o) for o in procs],time.perf_counter()
    time.sleep(secs)
    took = time.perf_counter()-start
    return [(cpu_secs(o)-c)/took for o,c in zip(procs, before)]

def busy_secs(
    procs:list, # Processes that have just started
    secs:float=300, # Longest wait
)->list: # Seconds for each
    "Wait until all processes are idle, and return how long each was busy"
    start,last = time.perf_counter(),[0]*len(procs)
    while (now := time.perf_counter()-start)<max(last)+4:
        if now>secs: raise TimeoutError(f'workers still busy after {secs} s')
        last = [time.perf_counter()-start if c>.3 else t for c,t in zip(cpu_shares(procs, .25), last)]
    return last

def notice_ms(folder, n, tries):
    "Milliseconds until the worker starts a job that this process submits to one of `n` tenants, as a median"
    waits = []
    for _ in range(tries):
        time.sleep(random.random())
        manager = open_manager(folder/f't{random.randrange(n)}.db')
        job_id,_ = manager.submit('noop', noop)
        job = wait_for(lambda: (o := manager.get_job(job_id)).status=='completed' and o, every=.05)
        waits.append(start_delay(job)*1e3)
    return median(waits)

@row
def idle(b):
    "A worker process over 1,000 and 10,000 tenants that have nothing to do, against one over 10: CPU, files, memory, time to notice a job"
    sizes = b.n((10, 1000, 10_000), (10, 300))
    folders,res = {o:make_tenants(b.dir(), o) for o in sizes},[]
    with ExitStack() as stack:
        procs = {o:psutil.Process(stack.enter_context(process('programs.py', 'worker', folders[o])).pid) for o in sizes}
        first = {k:[v] for k,v in zip(sizes, busy_secs(list(procs.values())))}
        share,files,used = [{o:[] for o in sizes} for _ in range(3)]
        for _ in range(b.reps):
            for o,c in zip(sizes, cpu_shares(list(procs.values()), b.n(8, 2))):
                share[o].append(100*c)
                files[o].append(procs[o].num_fds())
                used[o].append(procs[o].memory_full_info().uss/2**20)
        notice = b.interleave(**{str(o):lambda o=o: notice_ms(folders[o], o, b.n(4, 1)) for o in sizes})
    for o in sizes[1:]:
        last,of = o==sizes[-1],lambda d: (d[o], d[sizes[0]])
        def add(what, vals, unit, **kw):
            res.append(line(f'idle, {o:,} tenants: {what}', *vals, unit=unit, against=f'{sizes[0]} tenants', **kw))
        add('CPU', of(share), '% of a core', **(dict(budget=('<=', 5), of='ours') if last else {}))
        add('open files', of(files), 'files', **(dict(budget=('<=', files_bound), of='ours') if last else {}))
        add('memory', of(used), 'MB')
        add('a job is noticed', (notice[str(o)], notice[str(sizes[0])]), 'ms')
        add('first look at all', of(first), 's')
    return res

files_bound = 1024 # Most systems let a process open this many files by default

# -- a light tenant next to a heavy one

@row
def fair(b):
    "How long a light tenant's job waits for its start while another tenant has 5,000 jobs of 5 ms, against a worker with nothing else to do"
    flood,probes = b.n((5000, 40), (1000, 10))
    def once(n):
        with process('programs.py', 'light', b.dir(), n, probes) as proc: res = json.loads(read_line(proc))
        if n and not res['left']: raise RuntimeError('the heavy tenant had no jobs left')
        return res['waits']
    got = b.interleave(flooded=lambda: once(flood), idle=lambda: once(0))
    def ms(k, p): return [percentile(o, p)*1e3 for o in got[k]]
    about = dict(unit='ms', against='an idle worker')
    return [line(f'light tenant waits, p{p}', ms('flooded', p), ms('idle', p), **about) for p in (50, 95)]

# -- memory

@row
def memory(b):
    "Memory of each job that waits for its retry in the process that submitted it, against a coroutine that sleeps and does nothing else"
    n = b.n(2000, 200)
    def once(*args):
        with process('programs.py', *args) as proc: return float(read_line(proc).split()[0])/1024
    got = b.interleave(ours=lambda: once('waiting', b.dir(), n), bare=lambda: once('sleeping', n))
    return [line('a job that waits', got['ours'], got['bare'], unit='kB', against='a sleeping coroutine')]

# -- start again after kill -9

@row
def restart(b):
    "Seconds from the start of a process until the first job runs that a killed one had left, against a process that only imports us"
    sizes = b.n((1, 100, 1000), (1, 100))
    def imports():
        start = time.perf_counter()
        with process('programs.py', 'imports') as proc: return read_line(proc) and time.perf_counter()-start
    def resumed(n):
        folder = make_tenants(b.dir(), n, hold)
        with process('programs.py', 'worker', folder) as proc:
            for _ in range(min(n, 20)): read_line(proc)
        start = time.perf_counter()
        with process('programs.py', 'worker', folder) as proc:
            while read_line(proc)!='resumed': pass
            return time.perf_counter()-start
    got = b.interleave(imports=imports, **{str(o):lambda o=o: resumed(o) for o in sizes})
    def name(n): return f"first job resumed, {n:,} tenant{'s'*(n>1)}"
    return [line(name(o), got[str(o)], got['imports'], unit='s', against='imports alone') for o in sizes]
