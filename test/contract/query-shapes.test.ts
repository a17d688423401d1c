/** Vectors of reads on the wire: rules of their shape are 422 and told together, numbers and points come before names. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Database } from '../../src/core/database.js'
import { open } from '../../src/index.js'
import { type Service, startService } from './service.js'

const NEAR = [1, 2, 3]
const UNEVEN = [NEAR, [1, 2]]
const DOUBLED = { indices: [7, 7], values: [1] }
const CONTEXT = [{ positive: UNEVEN, negative: NEAR }]
const NAIVE = { naive: { a: 1, b: 1, c: 1 } }

describe('vectors of reads', () => {
  let database: Database
  let service: Service
  beforeAll(async () => {
    database = await open(':memory:')
    const collection = await database.createCollection('c', {
      vectors: { size: 3, distance: 'Dot' },
      sparseVectors: { words: {} },
    })
    await collection.upsert([{ id: 1, vector: NEAR }])
    await database.createCollection('other', { vectors: { size: 3, distance: 'Dot' } })
  })
  beforeEach(async () => {
    service = await startService({ database })
  })
  afterAll(() => database.close())

  const answerTo = async (path: string, body: unknown, collection = 'c') => {
    const { status, json } = await service.call('POST', `/collections/${collection}/points/${path}`, body)
    const told = json.status as { error?: string; details?: { field?: string } }
    return { status, error: told.error, field: told.details?.field }
  }
  const ragged = 'all vectors must have the same dimension, found vector with dimension 2'

  it.each<[path: string, body: object, violations: string[]]>([
    ['query', { query: [NEAR, []] }, ['internal.query.data: all vectors must be non-empty']],
    ['query', { query: [[]] }, ['internal.query.data: all vectors must be non-empty']],
    ['query', { query: UNEVEN }, [`internal.query.data: ${ragged}`]],
    ['query', { query: { nearest: UNEVEN, mmr: {} } }, [`internal.query.nearest.data: ${ragged}`]],
    [
      'query',
      { query: DOUBLED, prefetch: [{ query: UNEVEN, limit: 0 }] },
      [
        'internal.query.values: Validation error: must be the same length as indices [{}]',
        'internal.query.indices: Validation error: must be unique [{}]',
        `internal.prefetch[0].query.data: ${ragged}`,
        'internal.prefetch[0].limit: value 0 invalid, must be 1 or larger',
      ],
    ],
    [
      'query/batch',
      { searches: [{ query: UNEVEN }, {}, { query: { indices: [2, 1, 2], values: NEAR } }] },
      [
        `searches[0].internal.query.data: ${ragged}`,
        'searches[2].internal.query.indices: Validation error: must be unique [{}]',
      ],
    ],
    ['query/groups', { group_by: 'n', query: UNEVEN }, [`search_group_request.query.data: ${ragged}`]],
    [
      'query',
      { query: { recommend: { positive: [UNEVEN], negative: [1, DOUBLED] } } },
      [
        `internal.query.recommend.positive[0].data: ${ragged}`,
        'internal.query.recommend.negative[1].values: Validation error: must be the same length as indices [{}]',
        'internal.query.recommend.negative[1].indices: Validation error: must be unique [{}]',
      ],
    ],
    [
      'query',
      { query: { discover: { target: UNEVEN, context: CONTEXT } } },
      [`internal.query.discover.target.data: ${ragged}`, `internal.query.discover.context[0].positive.data: ${ragged}`],
    ],
    ['query', { query: { context: CONTEXT } }, [`internal.query.context[0].positive.data: ${ragged}`]],
    [
      'query',
      { query: { relevance_feedback: { target: 1, feedback: [{ example: UNEVEN, score: 1 }], strategy: NAIVE } } },
      [`internal.query.relevance_feedback.feedback[0].example.data: ${ragged}`],
    ],
    [
      'query',
      { query: { relevance_feedback: { target: 1, feedback: [], strategy: NAIVE } } },
      ['internal.query.relevance_feedback.__all__: feedback elements must be non-empty'],
    ],
    [
      'search',
      { vector: { name: 'words', vector: DOUBLED }, limit: 1 },
      [
        'search_request.vector.vector.values: Validation error: must be the same length as indices [{}]',
        'search_request.vector.vector.indices: Validation error: must be unique [{}]',
      ],
    ],
    ['recommend', { positive: [UNEVEN], limit: 1 }, [`recommend_request.positive[0].data: ${ragged}`]],
    ['discover', { target: UNEVEN, limit: 1 }, [`discover_request.target.data: ${ragged}`]],
  ])('422 with all that is wrong: %s %j', async (path, body, violations) => {
    for (const collection of ['c', 'missing']) {
      const { status, error } = await answerTo(path, body, collection)
      expect(status, error).toBe(422)
      expect(new Set(error?.slice('Validation error in JSON body: ['.length, -1).split('; '))).toEqual(
        new Set(violations),
      )
    }
  })

  it.each<[body: object, field: string, error: string]>([
    [{ query: [1, '2', 3] }, 'query[1]', 'a number, got "2"'],
    [{ query: [NEAR, [1, null, 3]] }, 'query[1][1]', 'a number, got null'],
    [{ query: [NEAR, 3] }, 'query[1]', 'an array, got 3'],
    [{ query: { indices: [-1], values: [1] } }, 'query.indices[0]', 'an integer from 0 to 4294967295, got -1'],
    [{ query: { indices: [1.5], values: [1] } }, 'query.indices[0]', 'an integer from 0 to 4294967295, got 1.5'],
    [{ query: { indices: [1], values: ['1'] } }, 'query.values[0]', 'a number, got "1"'],
    [{ query: { indices: [1], values: [[1]] } }, 'query.values[0]', 'a number, got an array of 1'],
    [{ query: { indices: [1] } }, 'query.values', 'an array, got null'],
    [{ query: -1 }, 'query', 'an unsigned 64-bit integer or a UUID, got -1'],
    [{ query: 1.5 }, 'query', 'an unsigned 64-bit integer or a UUID, got 1.5'],
    [{ prefetch: {}, query: { formula: { sum: 1 } } }, 'query.formula.sum', 'an array of expressions, got 1'],
    [
      { prefetch: {}, query: { formula: { sum: [1, { neg: true }] } } },
      'query.formula.sum[1].neg',
      'an object, got true',
    ],
    [{ prefetch: {}, query: { formula: { div: { left: 1 } } } }, 'query.formula.div.right', 'an object, got null'],
    [{ prefetch: {}, query: { formula: { key: 'n', is_null: 1 } } }, 'query.formula.is_null', 'true or false, got 1'],
  ])('a value of the wrong type is told before the collection is looked up: %j', async (body, field, error) => {
    for (const collection of ['c', 'missing']) {
      const answer = await answerTo('query', body, collection)
      expect(answer).toMatchObject({ status: 400, field, error: `Format error in JSON body: expected ${error}` })
    }
  })

  it('rules that the collection has are 400', async () => {
    for (const [path, body, error] of [
      ['query', { query: [] }, 'Vector dimension error: expected dim: 3, got 0'],
      ['query', { query: [1] }, 'Vector dimension error: expected dim: 3, got 1'],
      ['search', { vector: [], limit: 1 }, 'Vector dimension error: expected dim: 3, got 0'],
      ['query', { query: NEAR, using: 'no' }, 'Not existing vector name error: no'],
    ] as const) {
      expect(await answerTo(path, body)).toMatchObject({ status: 400, error: `Wrong input: ${error}` })
      expect(await answerTo(path, body, 'missing')).toMatchObject({ status: 404 })
    }
  })

  it.each<[path: string, body: object]>([
    ['query', { query: 9, using: 'no' }],
    ['query', { query: { nearest: 9 }, using: 'no' }],
    ['query', { query: { recommend: { positive: [1], negative: [[1], 9] } } }],
    ['query', { query: { discover: { target: 1, context: [{ positive: [1], negative: 9 }] } } }],
    ['query', { query: { context: [{ positive: 9, negative: [1] }] } }],
    [
      'query',
      { query: { relevance_feedback: { target: [1], feedback: [{ example: 9, score: 1 }], strategy: NAIVE } } },
    ],
    ['query', { query: [1], prefetch: { query: 9 } }],
    ['query', { query: 1, using: 'no', lookup_from: { collection: 'other' } }],
    ['query/batch', { searches: [{ query: 9, using: 'no' }] }],
    ['query/groups', { query: 9, using: 'no', group_by: 'n' }],
    ['recommend', { positive: [9], using: 'no', limit: 1 }],
  ])('a missing point is told before the name or the size of a vector: %s %j', async (path, body) => {
    const { status, error } = await answerTo(path, body)
    expect({ status, error }).toEqual({
      status: 404,
      error: expect.stringMatching(/^Not found: No point with id [19] found$/),
    })
  })

  it('the default of a score is a number', async () => {
    const search = { prefetch: {}, query: { formula: { sum: ['$score', 1] }, defaults: { $score: '1' } } }
    expect(await answerTo('query/batch', { searches: [{}, search] })).toEqual({
      status: 422,
      error:
        'Validation error in JSON body: [searches[1].internal.query.defaults: Validation error: Score default must be a number [{}]]',
      field: 'searches[1].query.defaults',
    })
  })

  it('an error in a batch names the search', async () => {
    const fieldOf = async (search: object) => (await answerTo('query/batch', { searches: [{}, search] })).field
    expect(await fieldOf({ query: [1] })).toBe('searches[1].query')
    expect(await fieldOf({ score_threshold: 1 })).toBe('searches[1].score_threshold')
    expect(await fieldOf({ query: 1, using: 'no' })).toBe('searches[1].using')
    expect(await fieldOf({ filter: { must: { key: 'a' } } })).toBe('searches[1].filter.must')
    const { field } = await answerTo('search/batch', { searches: [{ vector: [1], limit: 1 }] })
    expect(field).toBe('searches[0].vector')
    expect(await answerTo('recommend', { positive: [1, [1]], limit: 1 })).toMatchObject({ field: 'positive[1]' })
    const context = [{ positive: [1], negative: 1 }]
    expect(await answerTo('discover', { context, limit: 1 })).toMatchObject({ field: 'context[0].positive' })
    expect(await answerTo('discover', { target: [1], limit: 1 })).toMatchObject({ field: 'target' })
  })

  it('a name is wrong where the points are there', async () => {
    const answer = await answerTo('query', { query: 1, using: 'no' })
    expect(answer).toMatchObject({
      status: 400,
      field: 'using',
      error: 'Wrong input: Not existing vector name error: no',
    })
  })

  it.each([
    ['consistency=most', 'Deserialize error in query parameters: expected'],
    ['timeout=0', 'Deserialize error in query parameters: expected an integer of at least 1, got 0'],
    ['timeout=x', 'Deserialize error in query parameters: expected an integer of at least 1, got "x"'],
  ])('a wrong parameter is told before the collection is looked up: %s', async (parameter, error) => {
    for (const path of ['query', 'query/batch', 'query/groups', 'search', 'scroll', 'count', 'search/matrix/pairs']) {
      const answer = await answerTo(`${path}?${parameter}`, {}, 'missing')
      expect(answer, path).toMatchObject({ status: 400, field: parameter.split('=')[0] })
      expect(answer.error).toContain(error)
    }
    const one = await service.call('GET', `/collections/missing/points/1?${parameter}`)
    expect(one.status).toBe(400)
  })

  it.each(['3601', '99999999', '18446744073709551615'])(
    'a timeout of %s seconds is as long as a call may take',
    async (seconds) => {
      expect(await answerTo(`query?timeout=${seconds}`, { query: NEAR })).toMatchObject({ status: 200 })
    },
  )
})
