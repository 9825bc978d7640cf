"Submit a job of the task `l.note` to the database named on the command line, which is made if it isn't there"
import sys

from helpers import manager_at

from tenant_tasks.jobs.task import task

@task(name='l.note')
def note(): pass

manager_at(sys.argv[1]).submit('note', note)
