"Rows about an app behind a server: route, crowd"
import json,socket,time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.request import urlopen

from fastcore.net import free_port

from processes import process,read_line,wait_for
from rows import line,row

@contextmanager
def served(
    app:str, # A name in apps.py's `apps`
    folder, # For its database
    script:str='apps.py', # Where it is
):
    "An app behind uvicorn, on a free port of this machine"
    port = free_port()
    def up():
        try: return socket.create_connection(('127.0.0.1', port), .5).close() or True
        except OSError: return False
    with process(script, app, folder, port) as proc:
        wait_for(lambda: proc.poll() is not None or up())
        yield port

def load(
    port:int, # Port of the app
    path:str, # Path to request
    connections:int=16, # Requests at a time
    seconds:float=60, # When to stop
    count:int=10**9, # Most requests to make
    pause:float=0, # Seconds between two requests of a connection
)->dict: # Requests per second, p50 and p99 in ms
    "Run load.py in a process of its own"
    with process('load.py', port, path, connections, seconds, count, pause) as proc: return json.loads(read_line(proc))

def jobs_left(port):
    "The number of jobs whose first run hasn't ended"
    return json.loads(urlopen(f'http://127.0.0.1:{port}/left').read())

@row
def route(b):
    "A FastHTML route that submits a job, against the same route on the bare commits of a job, with Starlette's BackgroundTask, and fastapi-taskflow's on FastAPI"
    names,conns = ('plain', 'ours', 'worker', 'bare', 'taskflow'),16
    def once(name):
        with served(name, b.dir()) as port:
            load(port, '/submit', conns, count=200)
            res = load(port, '/submit', conns, seconds=b.n(3, .5))
            return dict(res, left=jobs_left(port) if name in ('ours', 'worker') else None)
    got = b.interleave(**{o:lambda o=o: once(o) for o in names})
    def of(name, key): return [o[key] for o in got[name]]
    res,budgets = [],dict(bare=dict(ours=1.2, worker=1.5), taskflow=dict(ours=1, worker=1))
    durable = dict( # chkstyle: ignore-node
        plain='ours FULL before the answer; theirs writes nothing',
        bare='both FULL before the answer, NORMAL after it',
        taskflow='ours FULL before the answer; theirs one commit after the task has run')
    against = dict(plain='plain BackgroundTask', bare='bare commits', taskflow='fastapi-taskflow')
    for ours,text in (('ours', 'bg_task'), ('worker', 'worker in the app')):
        for theirs,what in against.items():
            for key,unit in (('rps', 'requests/s'), ('p50', 'ms p50'), ('p99', 'ms p99')):
                budget = ('>=', budgets[theirs][ours]) if key=='rps' and theirs in budgets else None
                res.append(line(f'route, {text}', of(ours, key), of(theirs, key),
                    unit=unit, against=what, durable=durable[theirs], budget=budget))
        res.append(line(f'route, {text}: jobs not yet run when the load ends', of(ours, 'left'), unit='jobs'))
    return res

@row
def crowd(b):
    "p99 of an unrelated sync route while 1,000 slow sync jobs and 1,000 waiting ones are in the app, against the same app idle"
    n,secs = b.n(1000, 100),b.n(3, .5)
    def ping(port): return load(port, '/ping', 4, seconds=secs, pause=.02)['p99']
    def once(name):
        with served(name, b.dir()) as port:
            load(port, '/ping', count=100)
            idle = ping(port)
            load(port, '/waits', count=n)
            if name=='ours': wait_for(lambda: jobs_left(port)==0, every=.2)
            with ThreadPoolExecutor(1) as thread:
                flood = thread.submit(load, port, '/slow', 100, count=n)
                time.sleep(b.n(2, .3))
                busy = ping(port)
                flood.result()
            return idle, busy
    got = b.interleave(ours=lambda: once('ours'), plain=lambda: once('plain'))
    idle,busy = zip(*got['ours'])
    plain_idle,plain_busy = zip(*got['plain'])
    def ms(name, ours, theirs, against): return line(name, list(ours), list(theirs), unit='ms p99', against=against)
    beside,plain = 'ping beside the crowd','plain BackgroundTask'
    return [ms(beside, busy, idle, 'the same app, idle'), ms(beside, busy, plain_busy, f'{plain}, same crowd'),
        ms('ping, idle', idle, plain_idle, f'{plain}, idle')]
