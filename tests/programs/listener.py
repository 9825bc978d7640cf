"A worker that writes the events of its moves to a file, and may kill itself; or, with a number, one that submits"
import os,random,sys,time

from tenant_tasks import Cancel,Snooze,Tenants,Worker,on_event,task

folder,ledger,chance,n = sys.argv[1:]
out = os.open(ledger, os.O_WRONLY|os.O_APPEND|os.O_CREAT)

@on_event
def note(event):
    job = event.job
    os.write(out, f'{job.id} {event.move} {job.status} {job.retry_count} {os.getpid()}\n'.encode())

@task(backoff=lambda n: .01)
def step(i):
    if random.random()<float(chance): os.kill(os.getpid(), 9)
    if i%5==1: raise ValueError(i)
    if i%5==2: raise Cancel('enough')
    if i%5==3 and random.random()<.5: raise Snooze(.01)
    time.sleep(.002)

tenants = Tenants(folder)
for i in range(int(n)): tenants.create('acme' if i%2 else 'beta').submit('step', step, i=i)
if n=='0': Worker(tenants, concurrency=4, look_every=.05, grace=10).main()
