"Make the process that loads this look as if it ran on another host; `dask worker --preload` loads it"
import tenant_tasks.run.process as process

process._kernel = lambda: 'another'
