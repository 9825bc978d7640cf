"Submit jobs of the task `w.note` to the database named on the command line and print their ids; then end, or die"
import os,signal,sys

from helpers import manager_at,note

path,n,then = sys.argv[1:]
manager = manager_at(path)
for i in range(int(n)): print(manager.submit('note', note, n=i)[0], flush=True)
if then=='die': os.kill(os.getpid(), signal.SIGKILL)
