"A module with a task and a worker, as a user hands it to `tenant-tasks worker`; run as a program, it submits two jobs"
import logging,signal

from tenant_tasks import Tenants,Worker,task

@task
def greet(name):
    logging.getLogger('library').info('chatter')
    if name=='bob': raise OSError('\x1b[2J')
    return f'hello {name}', signal.getsignal(signal.SIGPIPE)==signal.SIG_IGN

worker = Worker('.', look_every=.05)

if __name__=='__main__':
    for o in ('bob', 'ann'): Tenants('.')['idle'].submit('greet', greet, 1, name=o)
