"Do what each line says in a tenant of the directory in the arguments, and answer with the time when it is done"
import sys,time

from helpers import note

from tenant_tasks.fleet.tenants import Tenants

def submit(manager, n): manager.submit('note', note, n=int(n))
def pause(manager): manager.pause()
def resume(manager): manager.resume()
def schedule(manager, n): manager.schedule('tick', note, every=1, n=int(n))

tenants = Tenants(sys.argv[1])
for line in sys.stdin:
    name,what,*args = line.split()
    globals()[what](tenants.create(name), *args)
    print(time.time(), flush=True)
