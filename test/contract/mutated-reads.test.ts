/**
 * Bodies of reads, each with one change: a key left out, a value of another type, a number beyond its bound. By Qdrant's
 * API description each of them is refused by its kind, whatever the collection: 400 for the form, 422 for a bound.
 */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { open } from '../../src/index.js'
import { startService } from './service.js'

const SPEC = process.env.VICINAL_QDRANT_SPEC ?? ''
const POINTS = '/collections/{collection_name}/points'
const OTHERS: readonly unknown[] = [true, -1, 1.5, 'zzz', [[true]], { zzz: 1 }]
/** Integers whose type has no zero. */
const NON_ZERO = /(?:^|\.)total$/

const FILTER = {
  must: [
    { key: 'n', match: { value: 1 } },
    { key: 'n', match: { any: ['a'] } },
    { key: 'n', range: { gt: 1.5 } },
    { key: 'n', range: { lt: '2026-01-01T00:00:00Z' } },
    { key: 'n', values_count: { gte: 0 } },
    { key: 'n', geo_radius: { center: { lon: 1, lat: 2 }, radius: 3 } },
    { key: 'n', geo_bounding_box: { top_left: { lon: 1, lat: 2 }, bottom_right: { lon: 2, lat: 1 } } },
  ],
  should: { is_empty: { key: 'n' } },
  must_not: [{ has_id: [1] }, { has_vector: 'v' }, { is_null: { key: 'n' } }, { slice: { total: 2, index: 0 } }],
  min_should: { conditions: [{ nested: { key: 'a', filter: { must: [{ key: 'n', is_null: true }] } } }], min_count: 1 },
}
const POLYGON = {
  exterior: {
    points: [
      [0, 0],
      [0, 1],
      [1, 1],
      [0, 0],
    ].map(([lon, lat]) => ({ lon, lat })),
  },
}
const PARAMS = {
  hnsw_ef: 9,
  exact: true,
  indexed_only: false,
  quantization: { ignore: true, rescore: true, oversampling: 2 },
  acorn: { enable: true, max_selectivity: 0.5 },
}
const RETURNED = { with_payload: { include: ['n'] }, with_vector: ['v'] }
const FORMULA = {
  sum: [
    { mult: ['n', 2] },
    { div: { left: 1, right: { neg: '$score' }, by_zero_default: 0 } },
    { pow: { base: { abs: 1 }, exponent: 2 } },
    { exp_decay: { x: { datetime_key: 'n' }, target: { datetime: '2026-01-01T00:00:00Z' }, scale: 1, midpoint: 0.5 } },
    { geo_distance: { origin: { lon: 1, lat: 2 }, to: 'n' } },
    { key: 'n', match: { text: 'a' } },
  ],
}
const NAIVE = { naive: { a: 1, b: 1, c: 1 } }
const SPARSE = { indices: [1], values: [1] }
const PAIR = { positive: [1, 2], negative: 1 }
const STAGE = {
  query: [1, 2],
  using: 'v',
  limit: 3,
  score_threshold: 0.5,
  lookup_from: { collection: 'c', vector: 'v' },
}
const QUERIES: unknown[] = [
  { nearest: [[1, 2]], mmr: { diversity: 0.5, candidates_limit: 9 } },
  { recommend: { positive: [1, [1, 2]], negative: [SPARSE], strategy: 'best_score' } },
  { discover: { target: [1, 2], context: [PAIR] } },
  { context: PAIR },
  { order_by: { key: 'n', direction: 'asc', start_from: 1 } },
  { fusion: 'rrf' },
  { rrf: { k: 2, weights: [1] } },
  { formula: FORMULA, defaults: { n: 1 } },
  { sample: 'random' },
  { relevance_feedback: { target: 1, feedback: [{ example: [1, 2], score: 1 }], strategy: NAIVE } },
  { text: 'a', model: 'qdrant/bm25' },
  SPARSE,
]
const GROUPING = {
  group_by: 'n',
  group_size: 2,
  limit: 2,
  with_lookup: { collection: 'c', with_payload: true, with_vectors: false },
}
const BODIES: [path: string, body: object][] = [
  [POINTS, { ids: [1], ...RETURNED }],
  [`${POINTS}/scroll`, { filter: FILTER, limit: 3, offset: 1, ...RETURNED }],
  [
    `${POINTS}/scroll`,
    { order_by: { key: 'n', direction: 'desc' }, filter: { must: { key: 'n', geo_polygon: POLYGON } } },
  ],
  [`${POINTS}/count`, { filter: { should: [{ key: 'n', match: { except: [1] } }] }, exact: true }],
  ['/collections/{collection_name}/facet', { key: 'n', limit: 3, exact: true, filter: { must: [] } }],
  [`${POINTS}/search/matrix/pairs`, { sample: 3, limit: 2, using: 'v', filter: { must: [] } }],
  [`${POINTS}/query`, { ...STAGE, prefetch: [{ ...STAGE, params: PARAMS }], offset: 1, ...RETURNED }],
  ...QUERIES.map((query): [string, object] => [`${POINTS}/query`, { query, prefetch: { limit: 3 } }]),
  [`${POINTS}/query/batch`, { searches: [{ ...STAGE, filter: { must: [] } }] }],
  [`${POINTS}/query/groups`, { ...STAGE, ...GROUPING }],
]

interface Schema {
  $ref?: string
  type?: string
  format?: string
  nullable?: boolean
  minimum?: number
  maximum?: number
  enum?: unknown[]
  required?: string[]
  properties?: Record<string, Schema>
  additionalProperties?: Schema | boolean
  items?: Schema
  anyOf?: Schema[]
  oneOf?: Schema[]
  allOf?: Schema[]
}
const LEAST_INT = -(2 ** 63)

/** Whether a value has the type that the schema says, and the places of numbers beyond their bounds. */
class Description {
  readonly #schemas: Record<string, Schema>

  constructor(schemas: Record<string, Schema>) {
    this.#schemas = schemas
  }

  /** null: it has not. */
  beyond(given: Schema, value: unknown, place: string): string[] | null {
    const schema = given.$ref ? (this.#schemas[given.$ref.split('/').at(-1) as string] as Schema) : given
    if (value === null) return schema.nullable || [...(schema.anyOf ?? [])].some((one) => one.nullable) ? [] : null
    const choices = schema.anyOf ?? schema.oneOf ?? schema.allOf
    if (choices)
      return (
        choices.map((one) => (isNone(one) ? null : this.beyond(one, value, place))).find((found) => found !== null) ??
        null
      )
    if (schema.enum) return schema.enum.includes(value) ? [] : null
    switch (schema.type) {
      case 'integer':
      case 'number':
        return this.#beyondNumber(schema, value, place)
      case 'string':
        return typeof value === 'string' && (schema.format !== 'date-time' || value.includes('-')) ? [] : null
      case 'boolean':
        return typeof value === 'boolean' ? [] : null
      case 'array':
        if (!Array.isArray(value)) return null
        return joined(value.map((one, at) => this.beyond(schema.items as Schema, one, `${place}[${at}]`)))
      case 'object':
        return this.#beyondObject(schema, value, place)
    }
    return []
  }

  #beyondNumber({ type, minimum, maximum, format = '' }: Schema, value: unknown, place: string): string[] | null {
    if (typeof value !== 'number' || (type === 'integer' && !Number.isInteger(value))) return null
    const least = format.startsWith('uint') ? (NON_ZERO.test(place) ? 1 : 0) : LEAST_INT
    if (value < least) return null
    return value < (minimum ?? value) || value > (maximum ?? value) ? [place] : []
  }

  #beyondObject(
    { properties = {}, required = [], additionalProperties }: Schema,
    value: unknown,
    place: string,
  ): string[] | null {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
    // The pairs of a discovery may be left out here.
    const isThere = (key: string) => key in value || (key === 'context' && 'target' in value)
    if (!required.every(isThere)) return null
    return joined(
      Object.entries(value).map(([key, one]) => {
        const schema = properties[key]
        if (schema) return this.beyond(schema, one, place === '' ? key : `${place}.${key}`)
        return additionalProperties === false ? null : []
      }),
    )
  }
}

/** `{ nullable: true }` alone describes null. */
function isNone(schema: Schema): boolean {
  return Object.keys(schema).length === 1 && schema.nullable === true
}

function joined(found: readonly (string[] | null)[]): string[] | null {
  return found.includes(null) ? null : (found as string[][]).flat()
}

/** The body with each of its values replaced, and with each of its keys left out. */
function* mutants(value: unknown): Generator<unknown> {
  for (const other of OTHERS) yield other
  if (typeof value === 'number') yield* [0, Number.MAX_SAFE_INTEGER]
  if (Array.isArray(value)) {
    for (const [at, one] of value.entries()) for (const changed of mutants(one)) yield value.with(at, changed)
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, one] of Object.entries(value)) {
      yield Object.fromEntries(Object.entries(value).filter(([other]) => other !== key))
      for (const changed of mutants(one)) yield { ...value, [key]: changed }
    }
  }
}

async function answerTo(url: string, body: unknown): Promise<{ status: number; error: string; field?: string }> {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  const { status } = (await answer.json()) as { status: { error: string; details?: { field: string } } }
  return { status: answer.status, error: status.error, ...status.details }
}

function keyOf(place: string): string {
  return place.split('.').at(-1) as string
}

describe.skipIf(!existsSync(SPEC))('bodies of reads with one change', () => {
  it('are refused by the kind of the change', async () => {
    const { paths, components } = JSON.parse(readFileSync(SPEC, 'utf8'))
    const description = new Description(components.schemas)
    const database = await open(':memory:')
    onTestFinished(() => database.close())
    await database.createCollection('c', { vectors: { v: { size: 2, distance: 'Dot' } } })
    const service = await startService({ database, logLevel: 'silent' })
    const wrong: string[] = []
    for (const [path, body] of BODIES) {
      const { schema } = paths[path].post.requestBody.content['application/json']
      expect(description.beyond(schema, body, ''), path).toEqual([])
      const at = path.replace('{collection_name}', 'c')
      for (const changed of mutants(body)) {
        const beyond = description.beyond(schema, changed, '')
        if (beyond?.length === 0) continue
        const { status, error, field } = await answerTo(service.url + at, changed)
        const isTold =
          beyond === null
            ? status === 400 && error.startsWith('Format error in JSON body: ')
            : status === 422 && beyond.every((place) => error.includes(`${keyOf(place)}: `))
        if (!isTold || field === undefined) wrong.push(`${at} ${JSON.stringify(changed)}: ${status} ${error}`)
      }
    }
    expect(wrong).toEqual([])
  }, 120_000)
})
