"A process with all its files open: what the next use of a database says, and whether it works once some are free"
import os,resource,sys

from tenant_tasks.fleet.tenants import Tenants

tenants,kept = Tenants(sys.argv[1]),[]
others = [tenants[o] for o in ('globex', 'initech')] # Open, but idle
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
def take_all():
    try:
        while True: kept.append(open(os.devnull))
    except OSError: pass

take_all()
print(len(others[0].list_jobs()), flush=True)
take_all()
held = [o.store.link.use() for o in others]
try: tenants['acme'].submit('work', print)
except Exception as e: print(type(e).__name__, e, flush=True)
for o in kept[:8]: o.close()
print(len(tenants['acme'].list_jobs()))
