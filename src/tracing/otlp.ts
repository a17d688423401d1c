/** Traces by OpenTelemetry's SDK, which is loaded only where an endpoint is configured. */
import { type Context, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources'
import { AlwaysOnSampler, BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base'
import type { RequestNoted, Trace, TraceParent, Tracing } from '../core/tracing.js'
import type { WorkDone } from '../core/work-times.js'
import { addNoted, timeOf } from './plan-spans.js'

const NAME = 'vicinal'
/** Share of the requests without a `traceparent` that are traced, where OTEL_TRACES_SAMPLER says nothing. */
const DEFAULT_RATIO = 0.01
const INTERNAL_ERROR = 500

export class OtlpTracing implements Tracing {
  readonly #provider: BasicTracerProvider
  readonly #tracer: Tracer
  /** Otherwise it is known without the SDK which requests are traced: each request asks. */
  readonly #asksSdk: boolean

  /** The endpoint, headers, timeouts, sampler, batches and resource are those of the OTEL_ variables. */
  constructor(version: string) {
    this.#asksSdk = process.env.OTEL_TRACES_SAMPLER !== undefined
    const own = resourceFromAttributes({ 'service.name': NAME, 'service.version': version })
    this.#provider = new BasicTracerProvider({
      resource: own.merge(detectResources({ detectors: [envDetector] })),
      spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
      ...(this.#asksSdk ? {} : { sampler: new AlwaysOnSampler() }),
    })
    this.#tracer = this.#provider.getTracer(NAME, version)
  }

  begin(name: () => string, startMs: number, parent: TraceParent | null): Trace | null {
    if (!this.#asksSdk && !isKept(parent)) return null
    const options = { kind: SpanKind.SERVER, startTime: timeOf(startMs) }
    const span = this.#tracer.startSpan(name(), options, contextOf(parent))
    return span.isRecording() ? new RequestTrace(this.#tracer, span) : null
  }

  done({ kind, startMs, endMs, facts, error }: WorkDone): void {
    const span = this.#tracer.startSpan(kind, { startTime: timeOf(startMs), attributes: facts }, ROOT_CONTEXT)
    if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: (error as Error).message })
    span.end(timeOf(endMs))
  }

  async close(): Promise<void> {
    await this.#provider.shutdown().catch(() => undefined)
  }
}

/** The caller decides, where there is one. */
function isKept(parent: TraceParent | null): boolean {
  return parent === null ? Math.random() < DEFAULT_RATIO : (parent.flags & 1) === 1
}

function contextOf(parent: TraceParent | null): Context {
  if (parent === null) return ROOT_CONTEXT
  const { traceId, spanId, flags } = parent
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: flags & 1, isRemote: true })
}

class RequestTrace implements Trace {
  readonly traceId: string
  readonly traceparent: string
  readonly #tracer: Tracer
  readonly #span: Span

  constructor(tracer: Tracer, span: Span) {
    const { traceId, spanId } = span.spanContext()
    this.traceId = traceId
    this.traceparent = `00-${traceId}-${spanId}-01`
    this.#tracer = tracer
    this.#span = span
  }

  end({ endMs, status, facts, spans, plans }: RequestNoted): void {
    const within = trace.setSpan(ROOT_CONTEXT, this.#span)
    addNoted(this.#tracer, within, { spans, plans })
    this.#span.setAttributes({ ...facts, 'http.response.status_code': status })
    if (status >= INTERNAL_ERROR) this.#span.setStatus({ code: SpanStatusCode.ERROR })
    this.#span.end(timeOf(endMs))
  }
}
