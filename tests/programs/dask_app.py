"Run a worker whose executor is a Dask cluster; arguments: a directory, the address of the scheduler"
import importlib,sys

from distributed import Client

from tenant_tasks import Tenants,Worker

if __name__=='__main__':
    importlib.import_module('heavy') # Its tasks
    folder,address = sys.argv[1:]
    client = Client(address, set_as_default=False)
    Worker(Tenants(folder), look_every=.05, executors=dict(cpu=client.get_executor(pure=False), nowhere=client)).main()
