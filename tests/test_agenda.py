"A state machine drives the agenda on a clock of its own, and compares each answer with a plain model"
from collections import Counter
from math import inf

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine,initialize,invariant,rule

from tenant_tasks.fleet.agenda import Agenda

names = st.sampled_from('abcdef')

class Turns(RuleBasedStateMachine):
    "The model: a list of ready tenants, the earliest time of each scheduled one, the turns under way"
    @initialize(places=st.integers(1, 5), per_tenant=st.integers(1, 3))
    def begin(self, places, per_tenant):
        self.agenda,self.now = Agenda(places, per_tenant, quantum=1, merge=2),0
        self.ready,self.due,self.turns,self.passed_over = [],{},[],Counter()

    def set_due(self, name, when): self.due[name] = min(self.due.get(name, inf), when)
    def set_ready(self, name): name in self.ready or self.ready.append(name)

    @rule(name=names)
    def enqueue(self, name):
        self.agenda.enqueue(name)
        self.set_ready(name)

    @rule(name=names, secs=st.integers(-3, 20))
    def schedule(self, name, secs):
        self.agenda.schedule(name, self.now+secs)
        self.set_due(name, self.now+secs)

    @rule(name=names)
    def nudge(self, name):
        self.agenda.nudge(name, self.now)
        if name in self.turns: self.set_due(name, self.now+2)
        else: self.set_ready(name)

    @rule(name=names, crowded=st.booleans())
    def back_off(self, name, crowded):
        wait = self.agenda.back_off(name, self.now, crowded)
        assert 0<wait<=60
        self.set_due(name, self.now+wait)

    @rule(name=names)
    def recover(self, name): self.agenda.recover(name)

    @rule(name=names)
    def forget(self, name):
        self.agenda.forget(name)
        self.due.pop(name, None)
        self.ready = [o for o in self.ready if o!=name]
        self.passed_over.pop(name, None)

    @rule(secs=st.integers(0, 10))
    def pass_time(self, secs): self.now += secs

    @rule()
    def wait(self):
        "Sleep for as long as the agenda says: then a tenant is due, and none was before"
        wait = self.agenda.wait(self.now)
        assert wait==max(0, min(self.due.values(), default=inf)-self.now)
        if wait<inf: self.now += wait

    @rule()
    def take(self):
        for name,when in sorted(self.due.items(), key=lambda o: o[::-1]):
            if when>self.now: continue
            del self.due[name]
            self.set_ready(name)
        may = [o for o in self.ready if self.turns.count(o)<self.agenda.per_tenant]
        got = self.agenda.take(self.now)
        assert set(got)<=set(may) and len(set(got))==len(got)==min(len(may), self.agenda.places-len(self.turns))
        self.fair(got)
        self.turns += got
        self.ready = [o for o in self.ready if o not in got]

    def fair(self, got):
        "No tenant that could have had a place sees another one take two turns before it"
        for name in self.ready:
            if name in got or self.turns.count(name)>=self.agenda.per_tenant: self.passed_over.pop(name, None)
        for name in set(self.ready)-set(got):
            if self.turns.count(name)<self.agenda.per_tenant:
                for o in got: self.passed_over.setdefault(name, Counter())[o] += 1
                assert max(self.passed_over.get(name, Counter()).values(), default=0)<=1, self.passed_over

    @rule(i=st.integers(0, 20))
    def finish(self, i):
        if self.turns: self.agenda.finish(self.turns.pop(i%len(self.turns)))

    @rule(name=names, began=st.integers(0, 3))
    def keeps_turn(self, name, began):
        others = [o for o in self.ready if o!=name]
        assert self.agenda.keeps_turn(name, self.now-began, self.now)==(not others or began<1)

    @invariant()
    def never_too_many(self):
        assert self.agenda.busy==Counter(self.turns) and self.agenda.busy.total()<=self.agenda.places
        assert max(self.agenda.busy.values(), default=0)<=self.agenda.per_tenant

    @invariant()
    def nothing_is_forgotten(self):
        assert sorted(self.agenda.queue())==sorted(self.ready)
        assert self.agenda.waiting==len(self.ready) and self.agenda.due==self.due

TestTurns = Turns.TestCase

def test_a_tenant_may_fail_for_months():
    "A look a minute: after 1,023 of them, in 17 hours, 2 to that power is no float any more"
    agenda = Agenda()
    for o in range(1100): last = agenda.back_off('a', 60*o)
    assert last==60 and agenda.back_off('b', 0)==2

def test_only_a_turn_that_found_a_job_gets_company():
    "A turn may last because its database is locked; then others would wait as well, and hold places meanwhile"
    agenda = Agenda()
    def begin(now):
        agenda.enqueue('acme')
        assert agenda.take(now)==['acme']
        agenda.spread('acme', now)
    begin(0)
    for now in range(1, 9): assert agenda.take(now)==[] and 0<agenda.wait(now)<.01
    agenda.found('acme', 0)
    assert agenda.take(9)==['acme']
    agenda.back_off('acme', 10)
    agenda.finish('acme', 2)
    begin(20)
    assert agenda.take(30)==[], 'what it found was in another turn'
    agenda.finish('acme')
    assert agenda.take(99)==[] and agenda.wait(99)==inf

def test_a_tenant_after_a_pause_goes_first_once_in_a_round():
    agenda,crowd = Agenda(places=1),[f't{i}' for i in range(100)]
    def turn():
        name, = agenda.take(0)
        agenda.finish(name)
        if name!='light': agenda.enqueue(name)
        return name
    for o in crowd: agenda.enqueue(o)
    assert [turn() for _ in crowd]==crowd
    agenda.enqueue('light')
    assert turn()=='light'
    agenda.enqueue('light')
    assert [turn() for _ in range(101)]==[*crowd, 'light']

def test_many_that_wait_make_turns_short():
    agenda = Agenda(quantum=.02, round=1)
    for i in range(1000): agenda.enqueue(f't{i}')
    assert agenda.keeps_turn('t', 0, .0009) and not agenda.keeps_turn('t', 0, .0011)
    for i in range(960): agenda.forget(f't{i}')
    assert agenda.waiting==40 and agenda.keeps_turn('t', 0, .019) and not agenda.keeps_turn('t', 0, .021)
