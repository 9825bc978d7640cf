"Submit one job of the task `w.note` to the database named on the command line, which is made if it isn't there"
import sys

from helpers import manager_at

from tenant_tasks.task import task

@task(name='w.note')
def note(n): pass

path,n = sys.argv[1:]
manager_at(path).submit('note', note, n=n)
