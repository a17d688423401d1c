/** Refused bodies of reads on the wire: status, wording, and the order of checks. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Database } from '../../src/core/database.js'
import { open } from '../../src/index.js'
import { type Service, startService } from './service.js'

const POINTS = '/collections/c/points'
const NEAR = [1, 2, 3]

describe('bodies of reads', () => {
  let database: Database
  let service: Service
  beforeAll(async () => {
    database = await open(':memory:')
    const collection = await database.createCollection('c', { vectors: { size: 3, distance: 'Dot' } })
    await collection.upsert([{ id: 1, vector: NEAR, payload: { n: 7 } }])
    const other = await database.createCollection('other', { vectors: { size: 3, distance: 'Dot' } })
    await other.upsert([{ id: 7, vector: NEAR, payload: { name: 'seven' } }])
  })
  beforeEach(async () => {
    service = await startService({ database })
  })
  afterAll(() => database.close())

  const answerTo = async (path: string, body: unknown) => {
    const { status, json } = await service.call('POST', path, body)
    const told = json.status as { error?: string; details?: { field?: string } }
    return { status, error: told.error, field: told.details?.field }
  }

  it.each<[path: string, body: object, field: string, error: string]>([
    ['query', { query: NEAR, limit: '3' }, 'limit', 'expected an integer of at least 1, got "3"'],
    ['query', { query: NEAR, limit: -1 }, 'limit', 'expected an integer of at least 1, got -1'],
    [
      'query',
      { query: NEAR, params: { hnsw_ef: 1.5 } },
      'params.hnsw_ef',
      'expected an integer from 1 to 65536, got 1.5',
    ],
    ['query', { query: NEAR, params: { exact: 1 } }, 'params.exact', 'expected true or false, got 1'],
    ['query', { query: true }, 'query', 'expected an unsigned 64-bit integer or a UUID, got true'],
    [
      'query',
      { query: { recommend: {}, sample: 'random' } },
      'query',
      'expected a vector, an id, or an object with one of',
    ],
    ['query', { query: { sample: 'first' } }, 'query.sample', 'expected random, got "first"'],
    ['query', { query: { order_by: {} } }, 'query.order_by.key', 'expected a value, got null'],
    ['query', { query: NEAR, lookup_from: {} }, 'lookup_from.collection', 'expected a value, got null'],
    ['query', { query: NEAR, filter: [] }, 'filter', 'expected an object, got an array of 0'],
    ['query', { query: NEAR, with_payload: 'all' }, 'with_payload', 'expected a boolean, an array of keys'],
    ['query', { query: NEAR, with_vector: true, with_vectors: true }, 'with_vectors', 'expected one spelling'],
    ['query/batch', { searches: [{ query: NEAR }, 3] }, 'searches[1]', 'expected an object, got 3'],
    ['query/groups', { query: NEAR }, 'group_by', 'expected a value, got null'],
    [
      'scroll',
      { order_by: { key: 'n', direction: 'up' } },
      'order_by.direction',
      'expected one of asc, desc, got "up"',
    ],
    ['scroll', { offset: true }, 'offset', 'expected an unsigned 64-bit integer or a UUID, got true'],
    ['count', { exact: 'no' }, 'exact', 'expected true or false, got "no"'],
  ])('400 for a value of the wrong type: %s %j', async (path, body, field, error) => {
    const answer = await answerTo(`${POINTS}/${path}`, body)
    expect(answer).toMatchObject({ status: 400, field })
    expect(answer.error).toContain(`Format error in JSON body: ${error}`)
  })

  const least = (place: string, bound = 1) => `${place}: value 0 invalid, must be ${bound} or larger`
  it.each<[path: string, body: object, violations: string[]]>([
    [
      'points/query',
      { limit: 0, prefetch: { limit: 0 } },
      [least('internal.limit'), least('internal.prefetch[0].limit')],
    ],
    [
      'points/query',
      { params: { hnsw_ef: 0, acorn: { max_selectivity: 2 } }, query: { rrf: { k: 0 } } },
      [
        'internal.params.hnsw_ef: value 0 invalid, must be from 1 to 65536',
        'internal.params.acorn.max_selectivity: value 2.0 invalid, must be from 0.0 to 1.0',
        'internal.query.rrf.k: value 0 invalid, must be from 1 to 2147483647',
      ],
    ],
    [
      'points/query',
      { query: { recommend: { strategy: 'best_score' } } },
      [
        'internal.query.recommend.positives, negatives: Validation error: At least one positive or negative vector/id must be provided [{}]',
      ],
    ],
    [
      'points/query',
      {
        query: {
          relevance_feedback: {
            target: 1,
            feedback: [{ example: 1, score: 1 }],
            strategy: { naive: { a: 1, b: -1, c: 1 } },
          },
        },
      },
      ['internal.query.relevance_feedback.strategy.naive.b: value -1.0 invalid, must be 0.0 or larger'],
    ],
    ['points/query/batch', { searches: [{}, { limit: 0 }] }, [least('searches[1].internal.limit')]],
    [
      'points/query/groups',
      { group_by: 'n', limit: 0, group_size: 0 },
      [least('search_group_request.group_request.limit'), least('search_group_request.group_request.group_size')],
    ],
    ['points/scroll', { limit: 0 }, [least('scroll_request.limit')]],
    ['facet', { key: 'n', limit: 0 }, [least('facet_request.limit')]],
    [
      'points/search/matrix/pairs',
      { sample: 1, limit: 0 },
      ['search_request.sample: value 1 invalid, must be from 2 to 4096', least('search_request.limit')],
    ],
  ])('422 for values beyond the bounds of their shape, all at once: %s %j', async (path, body, violations) => {
    for (const name of ['c', 'missing']) {
      const { status, error } = await answerTo(`/collections/${name}/${path}`, body)
      expect(status, error).toBe(422)
      expect(new Set(error?.slice('Validation error in JSON body: ['.length, -1).split('; '))).toEqual(
        new Set(violations),
      )
    }
  })

  it('tells a wrong type before a bound, a bound before the collection, and the collection before its vectors', async () => {
    const missing = '/collections/missing/points/query'
    expect(await answerTo(missing, { query: [1], limit: 0, using: 3 })).toMatchObject({ status: 400, field: 'using' })
    expect(await answerTo(missing, { query: [1], limit: 0 })).toMatchObject({ status: 422, field: 'limit' })
    expect(await answerTo(missing, { query: [1] })).toMatchObject({ status: 404 })
    expect(await answerTo(`${POINTS}/query`, { query: [1] })).toMatchObject({ status: 400, field: 'query' })
  })

  it.each<[path: string, body: object, field: string, error: RegExp]>([
    ['query', { prefetch: {} }, 'query', /^Bad request: A query is needed to merge the prefetches/],
    ['query', { score_threshold: 1 }, 'score_threshold', /^Bad request: A query is needed to use the score_threshold/],
    ['query', { query: { fusion: 'rrf' } }, 'query', /^Bad request: cannot apply Fusion without prefetches/],
    ['scroll', { order_by: 'n', offset: 1 }, 'offset', /^Bad request: Cannot use an `offset`/],
  ])('Bad request for a rule of the form: %s %j', async (path, body, field, error) => {
    const answer = await answerTo(`${POINTS}/${path}`, body)
    expect(answer).toMatchObject({ status: 400, field })
    expect(answer.error).toMatch(error)
  })

  it('a fusion may name no vector, and a name that does not exist is told first', async () => {
    await database.createCollection('named', { vectors: { v: { size: 3, distance: 'Dot' } } })
    const errorOf = async (using: string) =>
      (await answerTo('/collections/named/points/query', { query: { fusion: 'rrf' }, using })).error
    expect(await errorOf('v')).toMatch(/^Bad request: Fusion queries cannot be combined with the 'using' field/)
    expect(await errorOf('w')).toBe('Wrong input: Not existing vector name error: w')
  })

  it('a collection that lookup_from names must exist, even if nothing is looked up', async () => {
    const lookup_from = { collection: 'nowhere' }
    const bodies: [path: string, body: object][] = [
      ['query', { query: NEAR, lookup_from }],
      ['query', { query: NEAR, prefetch: { query: NEAR, lookup_from } }],
      ['query', { lookup_from }],
      ['query/batch', { searches: [{ query: NEAR, lookup_from }] }],
      ['query/groups', { query: NEAR, group_by: 'n', lookup_from }],
    ]
    for (const [path, body] of bodies) {
      const { status, error } = await answerTo(`${POINTS}/${path}`, body)
      expect(status, JSON.stringify(body)).toBe(404)
      expect(error).toContain('nowhere')
    }
  })

  it.each(['with_vector', 'with_vectors'])('%s is understood, in with_lookup too', async (name) => {
    const found = await service.call('POST', `${POINTS}/query`, { query: NEAR, [name]: true })
    expect(found.json.result).toMatchObject({ points: [{ vector: NEAR }] })
    const with_lookup = { collection: 'other', [name]: true }
    const groups = await service.call('POST', `${POINTS}/query/groups`, { query: NEAR, group_by: 'n', with_lookup })
    expect(groups.json.result).toMatchObject({ groups: [{ lookup: { payload: { name: 'seven' }, vector: NEAR } }] })
    const { json } = await service.call('POST', `${POINTS}/scroll`, { [name]: true })
    expect(json.result).toMatchObject({ points: [{ vector: NEAR }] })
  })

  it('limits and offsets are numbers of 64 bits', async () => {
    for (const many of ['65537', '9007199254740993', '18446744073709551615']) {
      const { status, text } = await service.call('POST', `${POINTS}/query`, `{"query":[1,2,3],"limit":${many}}`)
      expect(status, text).toBe(200)
      const behind = await service.call('POST', `${POINTS}/query`, `{"query":[1,2,3],"offset":${many}}`)
      expect(behind.json.result).toEqual({ points: [] })
    }
  })
})
