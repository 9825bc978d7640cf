"Threads of a web process that use many tenants, in a process that may have few files open: what went wrong, as JSON"
import json,os,resource,sys
from threading import Barrier,Thread

from tenant_tasks.fleet.tenants import Tenants

folder,limit,n = sys.argv[1],*map(int, sys.argv[2:])
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
tenants,wrong,most,start = Tenants(folder),[],[0],Barrier(n)
names = list(tenants)

def work(**kw): pass

def use(i):
    "Look at each tenant, each thread beginning with another one"
    start.wait()
    for j in range(len(names)):
        manager = tenants[names[(i*7+j)%len(names)]]
        try:
            if j%10==0:
                with manager.db.conn: manager.db.t.visits.insert(dict(thread=i))
            manager.db.q('SELECT count(*) FROM visits')
            if j%5==0: manager.list_jobs()
            if j%10==0: manager.submit('work', work)
        except Exception as e: wrong.append(f'{type(e).__name__}: {e}')
        most[0] = max(most[0], len(os.listdir('/proc/self/fd')))

threads = [Thread(target=use, args=(i,)) for i in range(n)]
for o in threads: o.start()
for o in threads: o.join()
print(json.dumps(dict(wrong=wrong, most=most[0])))
