"Rows about functions that run in other processes: executors, beside"
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from urllib.request import urlopen

from processes import process,read_line,wait_for
from routes import load,served
from rows import line,row
from tenant_tasks import Processes

try: from distributed import Client
except ImportError: Client = None

def pool(n): return ProcessPoolExecutor(n, mp_context=get_context('spawn'))

def ours_in(*args):
    "The number that a program of heavy.py prints"
    with process('heavy.py', *args) as proc: return float(read_line(proc))

def spin(secs):
    "The same work as `compute` in heavy.py"
    end = time.process_time()+secs
    while time.process_time()<end: pass

def bare_rate(n, processes, secs):
    "Calls per second of the standard library's pool, which writes nothing"
    with pool(processes) as p:
        list(p.map(spin, [.1]*2*processes))
        start = time.perf_counter()
        list(p.map(spin, [secs]*n))
        return n/(time.perf_counter()-start)

def calls_there_and_back(b):
    "Microseconds of a call that does nothing, one after the other: in `Processes`, in the standard library's pool, and in Dask if it is installed"
    with ExitStack() as stack:
        pools = dict(ours=stack.enter_context(Processes(1)), bare=stack.enter_context(pool(1)))
        if Client:
            stack.enter_context(client := Client(n_workers=1, threads_per_worker=1, dashboard_address=':0'))
            pools['dask'] = client.get_executor(pure=False)
        for o in pools.values(): o.submit(abs, 1).result()
        return b.calls(b.n(300, 20), **{k:lambda o=o: o.submit(abs, 1).result() for k,o in pools.items()})

@row
def executors(b):
    "A call that does nothing, in another process and back, with three executors; a no-op job in `Processes` against one in a thread; and jobs that compute for 20 ms in two processes, against one process, and against the standard library's pool"
    got,n,jobs = calls_there_and_back(b),b.n(500, 30),b.n(1000, 40)
    got |= b.interleave(**{o:lambda o=o: ours_in('one_by_one', b.dir(), n, o) for o in ('far', 'near')})
    got |= b.interleave(two=lambda: ours_in('rate', b.dir(), jobs, 2, .02), one=lambda: ours_in('rate', b.dir(), jobs, 1, .02),
        bare_two=lambda: bare_rate(jobs, 2, .02))
    def calls(other, text): return line('a call there and back', got['ours'], got[other], unit='µs', against=text)
    def rates(other, text, **kw): return line(f'{jobs:,} jobs of 20 ms, 2 processes', got['two'], got[other], unit='jobs/s', against=text, **kw)
    return [calls('bare', 'ProcessPoolExecutor'), *([calls('dask', 'Dask on this machine')] if 'dask' in got else []),
        line('a no-op job, one after another', got['far'], got['near'], unit='µs', against='in a thread', durable='both NORMAL, NORMAL'),
        rates('one', '1 process', durable='both NORMAL, NORMAL', budget=('>=', 1.7)),
        rates('bare_two', 'ProcessPoolExecutor(2)', durable='ours NORMAL, NORMAL; theirs writes nothing')]

@row
def beside(b):
    "p99 of a ping while a job of the same app computes for ten seconds, in `Processes` and in a thread, against the same app idle"
    secs = b.n(8, .5)
    def ping(port): return load(port, '/ping', 4, seconds=secs, pause=.02)['p99']
    def ask(port, path): return urlopen(f'http://127.0.0.1:{port}/{path}').read()
    def once(where):
        with served('serve', b.dir(), 'heavy.py') as port:
            ask(port, 'far?secs=0')
            wait_for(lambda: ask(port, 'running')==b'0')
            load(port, '/ping', count=100)
            idle = ping(port)
            ask(port, f'{where}?secs={secs+2}')
            wait_for(lambda: ask(port, 'running')==b'1')
            return idle, ping(port)
    got = b.interleave(far=lambda: once('far'), near=lambda: once('near'))
    def ms(where, text, **kw):
        idle,busy = zip(*got[where])
        return line(f'ping, a job computes {text}', list(busy), list(idle), unit='ms p99', against='the same app, idle', **kw)
    return [ms('far', 'in `Processes`', budget=('<=', 1.5)), ms('near', 'in a thread')]
