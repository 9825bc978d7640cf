"Spans of attempts, as the SDK of OpenTelemetry gets them"
import pytest
from helpers import boom,manager_at,work

from tenant_tasks import Cancel,Snooze
from tenant_tasks.ops.otel import instrument
from tenant_tasks.run.process import Process
from tenant_tasks.testing import run

pytest.importorskip('opentelemetry.sdk')
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import get_current_span

@pytest.fixture
def exported(): return InMemorySpanExporter()

@pytest.fixture
def provider(exported):
    res = TracerProvider()
    res.add_span_processor(SimpleSpanProcessor(exported))
    return res

@pytest.fixture
def traced(path, clock, provider):
    "Two managers of one database, whose processes trace"
    processes = [Process(), Process()]
    for o in processes: instrument(provider, o)
    return [manager_at(path, clock, process=o) for o in processes]

async def test_every_attempt_is_linked_and_no_child(traced, exported, provider):
    "Also when another process runs the job, inside a span of its own"
    a,b = traced
    tracer = provider.get_tracer('app')
    with tracer.start_as_current_span('request') as request: job_id,_ = a.submit('sync', boom, 2)
    for o in a.process,b.process: o.keep(job_id, boom)
    with tracer.start_as_current_span('other'): await run(a)
    spans = [o for o in exported.get_finished_spans() if o.name=='process sync']
    assert [o.attributes['tenant_tasks.attempt'] for o in spans]==[1, 2]
    for o in spans:
        assert o.parent is None and o.context.trace_id!=request.get_span_context().trace_id
        assert [l.context.span_id for l in o.links]==[request.get_span_context().span_id]
        assert o.status.status_code.name=='ERROR' and o.attributes['messaging.message.id']==job_id

async def test_outcomes_and_current_spans(traced, exported):
    "Functions run inside their span; `Cancel` and `Snooze` are no errors; without a request there is no link"
    manager,seen = traced[0],[]
    def look(): seen.append(get_current_span().get_span_context().span_id)
    async def alook(): look()
    def stop(): raise Cancel('enough')
    def wait(): raise Snooze(1e6)
    for o in look,alook,stop,wait: manager.submit(o.__name__, o)
    await manager.drain()
    spans = {o.name.split()[1]:o for o in exported.get_finished_spans()}
    assert {o.status.status_code.name for o in spans.values()}=={'UNSET'} and not any(o.links for o in spans.values())
    assert seen==[spans[o].context.span_id for o in ('look', 'alook')]
    assert {o.trace for o in manager.list_jobs()}=={None}

async def test_nothing_is_traced_unasked(manager, exported, provider):
    with provider.get_tracer('app').start_as_current_span('request'): manager.submit('a', work)
    await manager.drain()
    assert manager.list_jobs()[0].trace is None and [o.name for o in exported.get_finished_spans()]==['request']
