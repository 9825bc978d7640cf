"Keep several worker processes running. Arguments: a directory of tenants, how many, and the worker's grace"
import logging,sys

import tasks # chkstyle: ignore

from tenant_tasks import Worker

if __name__=='__main__':
    logging.basicConfig(level=logging.INFO, format='%(process)d %(levelname)s %(message)s')
    folder,processes,grace = sys.argv[1:]
    Worker(folder, concurrency=6, look_every=.05, grace=float(grace)).main(processes=int(processes))
