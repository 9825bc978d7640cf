"Run jobs whose function forks; each result is how its child ended. Arguments: a database, how it leaves the function"
import asyncio,json,os,sys,time

from helpers import manager_at

from tenant_tasks import current_job,task

def leave(how):
    if how=='raises': os.execvp('no-such-converter', ['x'])
    if how!='returns': sys.exit(int(how) if how.isdigit() else how)
    return 'of the child'

def fork(how):
    "The exit code of the child; None if it goes on for three seconds"
    if not (pid := os.fork()): return leave(how)
    for _ in range(300):
        time.sleep(.01)
        if (ended := os.waitpid(pid, os.WNOHANG))[0]: return os.waitstatus_to_exitcode(ended[1])
    os.kill(pid, 9)

@task
def sync(how): return fork(how)

@task(atomic=True)
def atomic(how): return fork(how)

@task
async def later(how): return fork(how)

@task
def step(how): return current_job().step('one', fork, how)

@task
async def astep(how):
    async def f(): return fork(how)
    return await current_job().step('one', f)

async def main(path, how):
    manager = manager_at(path)
    for o in (sync, atomic, later, step, astep, lambda how: later(how)):
        job_id,bg_task = manager.submit('fork', o, how=how)
        await bg_task()
        job = manager.get_job(job_id)
        print(json.dumps([job.status, job.retry_count, job.value]), flush=True)

if __name__=='__main__':
    asyncio.run(main(*sys.argv[1:]))
    os._exit(0)
