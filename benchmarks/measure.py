"Measure the sides of a row in turns"
import time
from itertools import count
from pathlib import Path
from random import sample
from statistics import median

class Bench:
    "What a row gets: how often and how much to measure, and directories for its files"
    def __init__(self,
        folder:Path, # A directory on the disk to measure
        quick:bool=False, # Small numbers, to check that everything works?
    ):
        self.folder = Path(folder)
        self.quick = quick
        self.reps = 2 if quick else 5
        self._ids = count()

    def n(self,
        full, # For a full run
        quick, # For a quick run
    ):
        "The value for this kind of run"
        return quick if self.quick else full

    def dir(self)->Path:
        "Make a new directory"
        res = self.folder/str(next(self._ids))
        res.mkdir()
        return res

    def interleave(self,
        **sides, # By name, a function that measures once
    )->dict: # By name, what each repetition returned
        "Measure the sides in turns (A B A B …), so that drift of the machine affects all of them"
        res = {k:[] for k in sides}
        for _ in range(self.reps):
            for k,f in sides.items(): res[k].append(f())
        return res

    def calls(self,
        n:int, # Calls of each side in a repetition
        **sides, # By name, what to time, in the form that `timed` takes
    )->dict: # By name, the median microseconds of each repetition
        "Time single calls; the order of the sides is random in each turn, so that no side always follows the same one"
        def once():
            times = {k:[] for k in sides}
            for _ in range(n):
                for k in sample(list(sides), len(sides)): times[k].append(timed(sides[k]))
            return {k:median(v)*1e6 for k,v in times.items()}
        once() # Warm up: a sync takes longer while the file grows
        reps = [once() for _ in range(self.reps)]
        return {k:[o[k] for o in reps] for k in sides}

def timed(
    f, # A function, or a pair of functions: the second gets the result of the first and isn't timed
)->float: # Seconds
    "Time one call"
    f,after = f if isinstance(f, tuple) else (f, lambda _: None)
    start = time.perf_counter()
    res = f()
    took = time.perf_counter()-start
    after(res)
    return took

def percentile(
    xs:list, # Numbers, in any order
    p:float, # 0 to 100
)->float: # One of them
    "The number that `p` percent of the others don't exceed"
    return sorted(xs)[min(int(len(xs)*p/100), len(xs)-1)]
