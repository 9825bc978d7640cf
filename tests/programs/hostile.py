"Tasks that try to end their process, a web server or a worker. Arguments: what to do, a directory of tenants, a port"
import asyncio,atexit,contextvars,decimal,functools,multiprocessing,os,signal,subprocess,sys,time
from concurrent.futures import ProcessPoolExecutor

import uvicorn,uvloop
from fasthtml.common import fast_app

from tenant_tasks.run.executors import Processes
from tenant_tasks.jobs.task import task
from tenant_tasks.fleet.tenants import Tenants
from tenant_tasks.fleet.worker import Worker
from tenant_tasks.web.pages import health_route

what,folder,*port = sys.argv[1:] if __name__=='__main__' else ('', '')
me = os.getpid()

async def lib(e): raise e

@task
async def gathers(e='exit'):
    await asyncio.gather(lib(SystemExit('bye') if e=='exit' else KeyboardInterrupt()), asyncio.sleep(1))

@task(timeout=5)
async def exits(): sys.exit('bye')

@task
async def groups():
    import anyio
    async with anyio.create_task_group() as group: group.start_soon(lib, SystemExit('bye'))

@task
async def stops_loop():
    asyncio.get_running_loop().stop()
    await asyncio.sleep(.05)

@task
async def calls_back():
    asyncio.get_running_loop().call_soon(sys.exit, 'bye')
    await asyncio.sleep(.05)

@task
async def cancels_all():
    for o in asyncio.all_tasks(): o.cancel()
    await asyncio.sleep(60)

@task
async def swallows():
    print('swallows', flush=True)
    while True:
        try: await asyncio.sleep(.1)
        except asyncio.CancelledError: pass

@task
def terminates():
    print('terminates', flush=True)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)

@task
def calm(): return os.getpid()

def children(how):
    if how=='subprocess':
        proc = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])
        proc.terminate()
        return proc.wait(30)
    context = multiprocessing.get_context(how.partition(' ')[0])
    if how.endswith('pool'):
        with context.Pool(1) as pool: return pool.map(abs, [-1])
    if how.endswith('executor'):
        with ProcessPoolExecutor(1, context) as pool: return list(pool.map(abs, [-1]))
    proc = context.Process(target=time.sleep, args=(60,))
    proc.start()
    proc.terminate()
    end = time.monotonic()+30
    while proc.exitcode is None and time.monotonic()<end: time.sleep(.01) # `join` may lose it to another thread's `start`
    return proc.exitcode

forks = task(children, name='h.forks')
forks_on_cpu = task(functools.wraps(children)(lambda how: children(how)), name='h.forks_on_cpu', on='cpu')

colour = contextvars.ContextVar('colour', default='none')
decimal.getcontext().prec = 30

def leaves():
    "What an earlier job has left; then leave something"
    res = colour.get(),decimal.getcontext().prec
    colour.set('red')
    decimal.getcontext().prec = 5
    return res

@task
def sets_context(): return leaves()

@task
async def asets_context(): return leaves()

@task(on='cpu')
def sets_context_on_cpu(): return leaves()

@task(on='cpu')
def says(): print('said by a process')

async def serve(tenants):
    "What a web server does: run the background tasks of its responses, and live on"
    manager = tenants.create('acme')
    for f,kw in ((gathers, {}), (gathers, dict(e='interrupt')), (exits, {}), (groups, {})):
        job_id,bg_task = manager.submit(f.__name__, f, max_retries=1, **kw)
        await bg_task()
        print(manager.get_job(job_id).status, flush=True)

def serve_site(worker):
    app,rt = fast_app(secret_key='x', lifespan=worker.lifespan)
    health_route(app, worker.tenants)
    @rt('/up')
    def up(): return 'yes'
    uvicorn.run(app, host='127.0.0.1', port=int(*port), log_level='warning')

def main():
    tenants = Tenants(folder)
    if what=='web':
        asyncio.run(serve(tenants))
        uvloop.run(serve(tenants))
        return print('lives', flush=True)
    worker = Worker(tenants, look_every=.05, grace=0, executors=dict(cpu=Processes(1)))
    if what=='site': return serve_site(worker)
    if what=='early':
        begin = worker._begin
        worker._begin = lambda: [begin(), os.kill(me, signal.SIGTERM)]
    if what=='broken': worker._dispatch = functools.partial(lib, OSError('broken'))
    if what!='silent': print('up', flush=True)
    else:
        atexit.register(print, 'at the end')
        print('said at the start')
    worker.main()

if __name__=='__main__': main()
