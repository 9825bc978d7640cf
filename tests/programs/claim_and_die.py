"Claim a job of one tenant in the directory named on the command line, and die"
import os,signal,sys

from tenant_tasks.jobs.task import task
from tenant_tasks.fleet.tenants import Tenants

@task
def sync_all(): pass

folder,tenant = sys.argv[1:]
manager = Tenants(folder)[tenant]
manager.claim(manager.submit('all', sync_all)[0])
os.kill(os.getpid(), signal.SIGKILL)
