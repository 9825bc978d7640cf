"Run a worker whose executor is `Processes`, or a Dask cluster; arguments: a directory, the address of a scheduler"
import importlib,sys

from tenant_tasks import Processes,Tenants,Worker

if __name__=='__main__':
    importlib.import_module('heavy') # Its tasks
    folder,*address = sys.argv[1:]
    if address:
        from distributed import Client
        pool = Client(*address, set_as_default=False).get_executor(pure=False)
    else: pool = Processes(1)
    Worker(Tenants(folder), look_every=.05, executors=dict(cpu=pool, nowhere=pool)).main()
