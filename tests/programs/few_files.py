"The command `tenant-tasks` in a process that may have 400 files open"
import resource,sys

from tenant_tasks.ops.command import main

resource.setrlimit(resource.RLIMIT_NOFILE, (400, 400))
sys.exit(main())
