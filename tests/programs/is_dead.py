"Print whether the process named on the command line is dead, as its lock file in a directory tells"
import sys

from tenant_tasks.run.process import is_dead

print(is_dead(*sys.argv[1:]))
