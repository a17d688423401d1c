/** An OpenTelemetry collector: takes OTLP over HTTP in JSON, and keeps the spans. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished } from 'vitest'

export const PATIENCE = { timeout: 240_000, interval: 50 }

export interface SeenSpan {
  name: string
  traceId: string
  spanId: string
  parentSpanId: string
  startTimeUnixNano: string
  endTimeUnixNano: string
  attributes: Record<string, unknown>
}

export class Collector {
  readonly spans: SeenSpan[] = []
  readonly services = new Set<unknown>()
  /** Everything received, as it came. */
  text = ''

  private constructor(readonly url: string) {}

  static async start(): Promise<Collector> {
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      if (request.url === '/v1/traces') collector.#take(Buffer.concat(chunks).toString())
      response.setHeader('content-type', 'application/json').end('{}')
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    const collector = new Collector(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    return collector
  }

  /** Variables that make a process trace everything, and send it soon. */
  get env(): Record<string, string> {
    return {
      OTEL_EXPORTER_OTLP_ENDPOINT: this.url,
      OTEL_TRACES_SAMPLER: 'parentbased_always_on',
      OTEL_BSP_SCHEDULE_DELAY: '50',
    }
  }

  /** The spans of a trace, once all of these names are among them. */
  async trace(traceId: string, names: readonly string[]): Promise<SeenSpan[]> {
    const found = () => this.spans.filter((span) => span.traceId === traceId)
    await expect.poll(() => found().map(({ name }) => name), PATIENCE).toEqual(expect.arrayContaining([...names]))
    return found()
  }

  #take(text: string): void {
    this.text += text
    const { resourceSpans } = JSON.parse(text) as {
      resourceSpans: {
        resource: { attributes: Attribute[] }
        scopeSpans: { spans: (Omit<SeenSpan, 'attributes'> & { attributes: Attribute[] })[] }[]
      }[]
    }
    for (const { resource, scopeSpans } of resourceSpans) {
      this.services.add(valuesOf(resource.attributes)['service.name'])
      for (const span of scopeSpans.flatMap(({ spans }) => spans))
        this.spans.push({ ...span, attributes: valuesOf(span.attributes) })
    }
  }
}

type Attribute = { key: string; value: Record<string, unknown> }

function valuesOf(attributes: readonly Attribute[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))
}

/** Of a caller that keeps its trace. */
export function newTrace(): { traceId: string; spanId: string; traceparent: string } {
  const hex = (digits: number) =>
    Array.from({ length: digits }, () => Math.floor(Math.random() * 16).toString(16)).join('')
  const traceId = `1${hex(31)}`
  const spanId = `2${hex(15)}`
  return { traceId, spanId, traceparent: `00-${traceId}-${spanId}-01` }
}

/** The ancestors' names of a span, the nearest first; `caller` where the caller's own span is the last one. */
export function ancestorsOf(span: SeenSpan, spans: readonly SeenSpan[], caller: string): string[] {
  const parent = spans.find(({ spanId }) => spanId === span.parentSpanId)
  if (parent) return [parent.name, ...ancestorsOf(parent, spans, caller)]
  return span.parentSpanId === caller ? ['caller'] : []
}
