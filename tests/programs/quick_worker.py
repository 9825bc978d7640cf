"A worker for jobs that take no time, some of which kill it"
import os,sys

from tenant_tasks import Worker,task

@task(backoff=lambda n: .01)
def quick_or_deadly(n, kills=False):
    if kills: os.kill(os.getpid(), 9)

if __name__=='__main__':
    print('up', flush=True)
    Worker(sys.argv[1], concurrency=1, look_every=.05).main()
