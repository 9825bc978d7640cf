"Run a task of the main script in a process of an executor, twice here and once in a forked child: their process ids"
import asyncio,json,os,sys

from helpers import manager_at

from tenant_tasks import Processes,set_executors,task

@task(on='cpu')
def pid(): return os.getpid()

def call(folder):
    async def work():
        manager = manager_at(f'{folder}/acme.db')
        job_id,bg_task = manager.submit('heavy', pid)
        await bg_task()
        return manager.get_job(job_id)
    return asyncio.run(work())

def main(folder):
    set_executors(cpu=Processes(1))
    first = call(folder)
    if not (child := os.fork()):
        with open(f'{folder}/child', 'w') as f: json.dump([(job := call(folder)).value, job.status], f)
        os._exit(0)
    os.waitpid(child, 0)
    last,(there,status) = call(folder),json.load(open(f'{folder}/child'))
    print(json.dumps(dict(parent=[first.value, last.value], child=there, statuses=[first.status, status, last.status])))

if __name__=='__main__': main(sys.argv[1])
