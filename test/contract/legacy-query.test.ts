/** The paths of older clients answer like the query path that replaced them. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { open } from '../../src/index.js'
import { complaintOf, type Service, startService } from './service.js'

const POINTS = '/collections/a/points'
const FILTER = { must: [{ key: 'even', match: { value: true } }] }
const SELECT = { with_payload: ['n'], with_vector: true }

async function filled(): Promise<Service> {
  const database = await open(':memory:')
  onTestFinished(() => database.close())
  const service = await startService({ database })
  await service.call('PUT', '/collections/a', {
    vectors: { v: { size: 2, distance: 'Euclid' }, w: { size: 2, distance: 'Dot' } },
  })
  const points = Array.from({ length: 30 }, (_, id) => ({
    id,
    vector: { v: [id, 0], w: [id, 1] },
    payload: { n: id, even: id % 2 === 0, group: `g${id % 3}` },
  }))
  await service.call('PUT', `${POINTS}?wait=true`, { points })
  return service
}

/** An older body, and the equivalent query. */
const SAME: [path: string, older: object, query: object][] = [
  [
    'search',
    { vector: { name: 'v', vector: [7, 0] }, limit: 3, ...SELECT },
    { query: [7, 0], using: 'v', limit: 3, ...SELECT },
  ],
  [
    'search',
    {
      vector: { name: 'w', vector: [1, 0] },
      limit: 3,
      offset: 2,
      filter: FILTER,
      score_threshold: 5,
      params: { exact: true },
    },
    { query: [1, 0], using: 'w', limit: 3, offset: 2, filter: FILTER, score_threshold: 5, params: { exact: true } },
  ],
  [
    'recommend',
    { positive: [3, [5, 0]], negative: [9], using: 'v', limit: 4, filter: FILTER },
    { query: { recommend: { positive: [3, [5, 0]], negative: [9] } }, using: 'v', limit: 4, filter: FILTER },
  ],
  [
    'recommend',
    {
      positive: [3],
      negative: [9],
      strategy: 'best_score',
      using: 'v',
      lookup_from: { collection: 'a', vector: 'w' },
      limit: 4,
    },
    {
      query: { recommend: { positive: [3], negative: [9], strategy: 'best_score' } },
      using: 'v',
      lookup_from: { collection: 'a', vector: 'w' },
      limit: 4,
    },
  ],
  [
    'discover',
    { target: 4, context: [{ positive: 10, negative: [1, 0] }], using: 'v', limit: 5 },
    { query: { discover: { target: 4, context: [{ positive: 10, negative: [1, 0] }] } }, using: 'v', limit: 5 },
  ],
  [
    'discover',
    { context: [{ positive: 20, negative: 1 }], using: 'v', limit: 30 },
    { query: { context: [{ positive: 20, negative: 1 }] }, using: 'v', limit: 30 },
  ],
  // `top` is an older name of the limit.
  ['search', { vector: { name: 'v', vector: [7, 0] }, top: 3 }, { query: [7, 0], using: 'v', limit: 3 }],
]

const GROUPING = { group_by: 'group', group_size: 2, limit: 2, with_payload: true, with_lookup: 'a' }
const GROUPED: [path: string, older: object, query: object][] = [
  ['search', { vector: { name: 'v', vector: [7, 0] } }, { query: [7, 0], using: 'v' }],
  ['recommend', { positive: [[7, 0]], using: 'v' }, { query: { recommend: { positive: [[7, 0]] } }, using: 'v' }],
]

interface Told {
  stage: string
  returned: number
  distances_computed: number
  prefetch: Told[]
}

const cpu = (usage: unknown) => (usage as { hardware: { cpu: number } }).hardware.cpu

describe('the older paths', () => {
  it.each(SAME)('answer like a query: %s %j', async (path, older, query) => {
    const service = await filled()
    const expected = await service.call('POST', `${POINTS}/query`, query)
    const answer = await service.call('POST', `${POINTS}/${path}`, older)
    expect(answer.status, answer.text).toBe(200)
    const { points } = expected.json.result as { points: unknown[] }
    expect(points.length).toBeGreaterThan(0)
    expect(answer.json.result).toEqual(points)
    const batch = await service.call('POST', `${POINTS}/${path}/batch`, { searches: [older, older] })
    expect(batch.json.result).toEqual([points, points])
  })

  it.each(GROUPED)('group like a query: %s', async (path, older, query) => {
    const service = await filled()
    const expected = await service.call('POST', `${POINTS}/query/groups`, { ...query, ...GROUPING })
    const answer = await service.call('POST', `${POINTS}/${path}/groups`, { ...older, ...GROUPING })
    expect(answer.status, answer.text).toBe(200)
    expect((expected.json.result as { groups: unknown[] }).groups).toHaveLength(2)
    expect(answer.json.result).toEqual(expected.json.result)
  })

  it.each([
    ['search', { limit: 1 }, /vector/],
    ['search', { vector: [1, 2], limit: 1 }, /using/],
    ['search', { vector: { name: 'v', vector: [1] }, limit: 1 }, /dim.*2.*1/],
    ['recommend', { using: 'v', limit: 1 }, /At least one positive/],
    ['recommend', { positive: [1], strategy: 'worst', using: 'v', limit: 1 }, /strategy.*worst/],
    ['discover', { using: 'v', limit: 1 }, /target and\/or context_pairs must be specified/],
    ['discover', { context: [{ positive: 1 }], using: 'v', limit: 1 }, /context\[0\]\.negative/],
    ['search/batch', { searches: 3 }, /searches/],
    ['search/batch', { searches: [{ vector: [1], limit: 1 }, 3] }, /searches\[1\]/],
    ['recommend/groups', { positive: [1], using: 'v', limit: 1, group_size: 1 }, /group_by/],
    ['recommend/groups', { positive: [1], using: 'v', limit: 1, group_by: 'n' }, /group_size.*a value, got null/],
    ['search/groups', { vector: [1, 0], group_size: 1, group_by: 'n' }, /limit.*a value, got null/],
    ['search', { vector: { name: 'v', vector: [1, 0] } }, /limit.*a value, got null/],
    ['recommend', { positive: [1], using: 'v' }, /limit.*a value, got null/],
    ['discover/batch', { searches: [{ target: 1, using: 'v' }] }, /limit.*a value, got null/],
  ])('refuse %s %j', async (path, body, names) => {
    const service = await filled()
    const answer = await service.call('POST', `${POINTS}/${path}`, body)
    expect(answer.status).toBe(400)
    expect(complaintOf(answer)).toMatch(names)
  })

  it('gather what is beyond its bounds', async () => {
    const service = await filled()
    const body = { vector: { name: 'v', vector: [1, 2] }, limit: 0, params: { hnsw_ef: 0 } }
    const answer = await service.call('POST', `${POINTS}/search`, body)
    expect(answer.status).toBe(422)
    const limit = 'search_request.limit: value 0 invalid, must be 1 or larger'
    const effort = 'search_request.params.hnsw_ef: value 0 invalid, must be from 1 to 65536'
    expect(complaintOf(answer)).toContain(`Validation error in JSON body: [${limit}; ${effort}]`)
  })

  it.each(SAME)('are explained like a query: %s %j', async (path, older, query) => {
    const service = await filled()
    const expected = await service.call('POST', `${POINTS}/query`, { ...query, explain: true })
    const { points, explain } = expected.json.result as { points: unknown[]; explain: Told }
    // Costs may differ, because a graph is built meanwhile.
    const told = expect.objectContaining({ stage: explain.stage, returned: points.length, segments: expect.anything() })
    const answer = await service.call('POST', `${POINTS}/${path}`, { ...older, explain: true })
    expect(answer.json).toMatchObject({ result: points, explain: told })
    expect(cpu(answer.json.usage)).toBe((answer.json.explain as Told).distances_computed)
    const searches = [older, { ...older, explain: true }, { ...older, explain: false }]
    const batch = await service.call('POST', `${POINTS}/${path}/batch`, { searches })
    expect(batch.json.result).toEqual([points, points, points])
    expect(batch.json.explain).toEqual([null, told, null])
    expect(cpu(batch.json.usage)).toBe((batch.json.explain as Told[])[1]?.distances_computed)
  })

  it.each(GROUPED)('explain groups like a query: %s', async (path, older, query) => {
    const service = await filled()
    const expected = await service.call('POST', `${POINTS}/query/groups`, { ...query, ...GROUPING })
    for (const [asked, body] of [
      ['query', query],
      [path, older],
    ] as const) {
      const { json } = await service.call('POST', `${POINTS}/${asked}/groups`, { ...body, ...GROUPING, explain: true })
      const { explain, ...found } = json.result as { explain: Told }
      expect(found).toEqual(expected.json.result)
      const stage = path === 'search' ? 'nearest' : path
      expect(explain).toMatchObject({ stage: 'groups', returned: 4, prefetch: [{ stage }, { stage }] })
      expect(cpu(json.usage)).toBe(explain.prefetch.reduce((sum, round) => sum + round.distances_computed, 0))
    }
  })

  it.each(['search', 'search/groups', 'recommend', 'discover', 'query/groups', 'search/matrix/pairs'])(
    'tell no costs unless asked, and refuse an invalid `explain`: %s',
    async (path) => {
      const service = await filled()
      const body = {
        ...{ vector: { name: 'v', vector: [7, 0] }, query: [7, 0], positive: [3], target: 4 },
        ...{ using: 'v', group_by: 'group', group_size: 3, limit: 2 },
      }
      for (const explain of [undefined, null, false]) {
        const { status, json } = await service.call('POST', `${POINTS}/${path}`, { ...body, explain })
        expect(status).toBe(200)
        for (const place of ['explain', 'usage', 'result.explain']) expect(json).not.toHaveProperty(place)
      }
      const refused = await service.call('POST', `${POINTS}/${path}`, { ...body, explain: 'yes' })
      expect(refused.status).toBe(400)
      expect(complaintOf(refused)).toMatch(/explain/)
    },
  )

  it.each(['pairs', 'offsets'])('tell what a matrix took: %s', async (form) => {
    const service = await filled()
    const body = { using: 'v', sample: 4, limit: 2, explain: true }
    const { json } = await service.call('POST', `${POINTS}/search/matrix/${form}`, body)
    const nearest = { stage: 'nearest', returned: 2 }
    expect(json.result).toMatchObject({
      [form === 'pairs' ? 'pairs' : 'scores']: expect.objectContaining({ length: 8 }),
      explain: {
        stage: 'matrix',
        returned: 8,
        prefetch: [{ stage: 'sample', returned: 4 }, nearest, nearest, nearest, nearest],
      },
    })
    expect(cpu(json.usage)).toBeGreaterThanOrEqual(4 * 3)
  })

  it('tell the costs of an explained query', async () => {
    const service = await filled()
    const body = { prefetch: { query: [3, 0], using: 'v', limit: 5 }, query: { fusion: 'rrf' }, explain: true }
    const { json } = await service.call('POST', `${POINTS}/query`, body)
    expect(json.usage).toMatchObject({ hardware: { cpu: 30, vector_io_read: expect.any(Number) } })
    expect(json.result).toMatchObject({
      explain: { stage: 'rrf', prefetch: [{ stage: 'nearest', distances_computed: 30 }] },
    })
    expect(await service.call('POST', `${POINTS}/query`, { ...body, explain: false })).not.toHaveProperty('json.usage')
  })
})
