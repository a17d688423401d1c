/**
 * The service reads every parameter and every field of Qdrant's API description. Proof: of some values that none of
 * them accepts, at least one is refused, in some request that has a place for the field.
 */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { open } from '../../src/index.js'
import { type ApiRequest, REQUESTS } from './openapi-requests.js'
import { type Service, startService } from './service.js'

const SPEC = process.env.VICINAL_QDRANT_SPEC ?? ''
const DEEPEST = 4
const WRONG = [{ zzz: 1 }, -1.5, 'zzz', [[[1]]], true]
const WRONG_TEXTS = ['zzz', '-1.5']
/** Any name in a record; the first one that the request has. */
const ANY = '*'

const F = '/collections/f'
const STOPWORDS = { languages: ['english'], custom: ['oslo'] }
const STEMMER = { type: 'snowball', language: 'english' }
/** For fields with several forms: requests with the forms that the other requests lack. */
const MORE: ApiRequest[] = [
  [
    'create_collection',
    'PUT',
    F,
    { vectors: { a: { size: 2, distance: 'Dot' } }, sparse_vectors: { s: { index: { memory: 'cached' } } } },
  ],
  [
    'create_field_index',
    'PUT',
    `${F}/index`,
    { field_name: 't', field_schema: { type: 'text', tokenizer: 'word', stopwords: STOPWORDS, stemmer: STEMMER } },
  ],
  ['create_field_index', 'PUT', `${F}/index`, { field_name: 'k', field_schema: { type: 'keyword', is_tenant: true } }],
  [
    'query_points',
    'POST',
    `${F}/points/query`,
    { query: { nearest: [1, 2], mmr: { diversity: 0.5, candidates_limit: 10 } }, using: 'a' },
  ],
  [
    'query_points',
    'POST',
    `${F}/points/query`,
    { query: { text: 'oslo', model: 'qdrant/bm25', options: { stopwords: STOPWORDS, stemmer: STEMMER } }, using: 's' },
  ],
]

interface Schema {
  $ref?: string
  properties?: Record<string, Schema>
  items?: Schema
  additionalProperties?: Schema | boolean
  anyOf?: Schema[]
  oneOf?: Schema[]
  allOf?: Schema[]
}
interface Operation {
  operationId: string
  parameters?: { name: string; in: string }[]
  requestBody?: { content: Record<string, { schema: Schema }> }
}
interface Spec {
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, Schema> }
}
type Path = (string | number)[]

describe.skipIf(!existsSync(SPEC))('the API description', () => {
  it('has no parameter and no field that is ignored', async () => {
    const spec = JSON.parse(readFileSync(SPEC, 'utf8')) as Spec
    const operations = Object.values(spec.paths).flatMap((path) => Object.values(path))
    const database = await open(':memory:')
    onTestFinished(() => database.close())
    const service = await startService({ database })
    /** Whether it was read, by operation and place. */
    const looked = new Map<string, boolean>()
    for (const [id, method, path, body] of [...REQUESTS, ...MORE]) {
      const operation = operations.find(({ operationId }) => operationId === id) as Operation
      expect((await service.call(method, path, body)).status, `${id} ${path}`).toBe(200)
      const attempt = async (place: string, requests: readonly (readonly [path: string, body: unknown])[]) => {
        const name = `${id} ${place}`
        if (looked.get(name) || requests.length === 0) return
        looked.set(name, false)
        for (const [at, wrong] of requests) {
          if (!(await isRefused(service, id, method, at, wrong))) continue
          looked.set(name, true)
          return
        }
      }
      for (const { name, in: where } of operation.parameters ?? []) {
        if (where !== 'query') continue
        const joint = path.includes('?') ? '&' : '?'
        await attempt(
          `?${name}`,
          WRONG_TEXTS.map((text) => [`${path}${joint}${name}=${text}`, body] as const),
        )
      }
      const schema = Object.values(operation.requestBody?.content ?? {})[0]?.schema
      if (!schema || body === undefined) continue
      for (const place of placesIn(schema, spec, DEEPEST)) {
        const bodies = WRONG.flatMap((wrong) => withAt(body, place, wrong) ?? [])
        await attempt(
          place.join('.'),
          bodies.map((wrong) => [path, wrong] as const),
        )
      }
    }
    const passedOver = [...looked].flatMap(([name, isLooked]) => (isLooked ? [] : [name]))
    expect(looked.size).toBeGreaterThan(500)
    expect(passedOver).toEqual([])
  })
})

async function isRefused(service: Service, id: string, method: string, path: string, body: unknown): Promise<boolean> {
  let target = path
  if (id === 'create_collection') {
    target = path.replace(/collections\/\w+/, 'collections/another')
    await service.call('DELETE', '/collections/another')
  }
  const { status, text } = await service.call(method, target, body)
  expect(status === 501 || status < 500, `${id} ${JSON.stringify(body)} → ${text}`).toBe(true)
  return status >= 400
}

/** Each place that the schema names; for alternatives, the places of all of them. */
function* placesIn(schema: Schema, spec: Spec, depth: number, above: ReadonlySet<Schema> = new Set()): Generator<Path> {
  const at = schema.$ref ? (spec.components.schemas[schema.$ref.split('/').at(-1) as string] as Schema) : schema
  if (depth < 0 || above.has(at)) return
  const inside = new Set([...above, at])
  for (const one of [...(at.anyOf ?? []), ...(at.oneOf ?? []), ...(at.allOf ?? [])]) {
    yield* placesIn(one, spec, depth, above)
  }
  for (const [name, property] of Object.entries(at.properties ?? {})) {
    yield [name]
    for (const path of placesIn(property, spec, depth - 1, inside)) yield [name, ...path]
  }
  if (at.items) for (const path of placesIn(at.items, spec, depth - 1, inside)) yield [0, ...path]
  if (typeof at.additionalProperties === 'object') {
    for (const path of placesIn(at.additionalProperties, spec, depth - 1, inside)) yield [ANY, ...path]
  }
}

/** The body with another value at the place; null if the body lacks the surrounding object. */
function withAt(body: unknown, place: Path, value: unknown): object | null {
  const changed = structuredClone(body) as object
  let around: unknown = changed
  for (const [i, name] of place.entries()) {
    if (around === null || typeof around !== 'object') return null
    if (Array.isArray(around) !== (typeof name === 'number')) return null
    const record = around as Record<string | number, unknown>
    const key = name === ANY ? Object.keys(record)[0] : name
    if (key === undefined) return null
    if (i === place.length - 1) {
      record[key] = value
      return changed
    }
    // One level may be missing.
    if (record[key] === undefined && i === place.length - 2 && typeof place[i + 1] === 'string') record[key] = {}
    around = record[key]
  }
  return null
}
