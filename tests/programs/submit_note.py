"Submit one job of the task `w.note`, or of another name, to the database named on the command line, which is made if it isn't there"
import sys

from helpers import manager_at

from tenant_tasks.task import task

path,n,name = [*sys.argv[1:], 'w.note'][:3]

@task(name=name)
def note(n): pass

manager_at(path).submit('note', note, n=n)
