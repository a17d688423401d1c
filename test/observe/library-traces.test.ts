/** Spans of the library's calls, made by a tracer of its user. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Context, type ContextManager, context, ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { type Collection, open } from '../../src/index.js'

const SECRET = 'a-secret-value'
const POINTS = Array.from({ length: 200 }, (_, id) => ({
  id,
  vector: [Math.sin(id), Math.cos(id * 3), 0.5],
  payload: { secret: SECRET },
}))

/** Contexts that follow promises, as an application has them. */
class Contexts implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>()
  active = () => this.#storage.getStore() ?? ROOT_CONTEXT
  with: ContextManager['with'] = (within, run, self, ...args) =>
    this.#storage.run(within, () => Reflect.apply(run, self, args))
  bind<T>(_: Context, target: T): T {
    return target
  }
  enable = () => this
  disable = () => this
}

const exporter = new InMemorySpanExporter()
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
const tracer = provider.getTracer('shop')

beforeEach(() => {
  context.setGlobalContextManager(new Contexts())
})
afterEach(() => {
  context.disable()
  exporter.reset()
})

async function filled(): Promise<Collection> {
  const folder = await mkdtemp(join(tmpdir(), 'vicinal-library-traces-'))
  const db = await open(folder, { tracer })
  onTestFinished(async () => {
    await db.close()
    await rm(folder, { recursive: true, force: true })
  })
  const things = await db.createCollection('things', { vectors: { size: 3, distance: 'Cosine' } })
  await things.upsert(POINTS)
  return things
}

const spans = () => exporter.getFinishedSpans()
const named = (name: string) => spans().find((span) => span.name === name) as ReadableSpan
const parentOf = (span: ReadableSpan) => span.parentSpanContext?.spanId

test('a query is a span below the active one, with its stages and segments below it', async () => {
  const things = await filled()
  exporter.reset()
  const own = tracer.startSpan('checkout')
  const hits = await context.with(trace.setSpan(ROOT_CONTEXT, own), () =>
    things.query({
      query: [1, 0, 0.5],
      limit: 3,
      filter: { must: [{ key: 'secret', match: { value: SECRET } }] },
    }),
  )
  own.end()
  expect(hits).toHaveLength(3)
  const query = named('vicinal.query')
  expect(parentOf(query)).toBe(own.spanContext().spanId)
  expect(query.attributes).toMatchObject({ 'db.operation.name': 'query', 'vicinal.collection': 'things' })
  const stage = named('stage nearest')
  expect(parentOf(stage)).toBe(query.spanContext().spanId)
  expect(parentOf(named('segment'))).toBe(stage.spanContext().spanId)
  expect(JSON.stringify(spans().map(({ attributes, events }) => [attributes, events]))).not.toContain(SECRET)
})

test('a write and a search by a verb of its own have spans too', async () => {
  const things = await filled()
  const write = named('vicinal.upsert')
  const parts = spans().filter((span) => parentOf(span) === write.spanContext().spanId)
  expect(parts.map(({ name }) => name)).toEqual(expect.arrayContaining(['turn', 'log', 'apply']))
  exporter.reset()
  await things.search([1, 0, 0.5])
  await things.get(7)
  await things.ingest(POINTS)
  expect(spans().map(({ name }) => name)).toEqual(
    expect.arrayContaining(['vicinal.query', 'vicinal.retrieve', 'vicinal.ingest']),
  )
})

test('a refused call ends its span with the code, and without the value', async () => {
  const things = await filled()
  exporter.reset()
  await expect(things.query({ query: [1, 2], limit: 3 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  await expect(things.query(7 as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  const [first, second] = spans()
  for (const span of [first, second]) {
    expect(span?.status).toEqual({ code: SpanStatusCode.ERROR })
    expect(span?.attributes['error.type']).toBe('INVALID_ARGUMENT')
  }
})

test('a tracer that makes no spans is refused before anything is opened', async () => {
  await expect(open(':memory:', { tracer: {} as never })).rejects.toThrow('tracer: expected a tracer of OpenTelemetry')
})
