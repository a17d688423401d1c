/** Refused filters: the library names fields as written, and the wire answers as Qdrant does. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Collection } from '../../src/core/database.js'
import type { Filter } from '../../src/core/filter.js'
import { open } from '../../src/index.js'
import { FACES, openFace } from './faces.js'
import { startService } from './service.js'

const REFUSED: [what: string, filter: unknown, message: RegExp][] = [
  ['a clause in both spellings', { mustNot: { hasId: [] }, must_not: [] }, /^filter\.mustNot: .*mustNot and must_not/],
  ['a name like another', { must: [{ has_Id: [1] }] }, /^filter\.must\[0\]\.has_Id: .*did you mean hasId/],
  ['an unknown name', { must: { kye: 'a' } }, /^filter\.must\.kye: .*one of key, hasId, .*, minShould/],
  ['a wrong id', { mustNot: [{ hasId: [1, -1] }] }, /^filter\.mustNot\[0\]\.hasId\[1\]: expected an unsigned/],
  [
    'a slice beyond its total',
    { must: { slice: { total: 2, index: 2 } } },
    /^filter\.must\.slice: .*(below total|less than the total)/,
  ],
  ['a key alone', { must: [{ key: 'a' }] }, /^filter\.must\[0\]: /],
  ['a latitude beyond the poles', near({ lon: 0, lat: 91 }), /^filter\.must\.geoRadius\.center\.lat: .*90.*91/],
]

function near(center: object) {
  return { must: { key: 'at', geoRadius: { center, radius: 1 } } }
}

describe.each(FACES)('by the %s', (face) => {
  let collection: Collection
  let dispose: () => Promise<void>
  beforeAll(async () => {
    const opened = await openFace(face)
    collection = await opened.database.createCollection('refusals', { vectors: { size: 1, distance: 'Dot' } })
    dispose = opened.dispose
  })
  afterAll(async () => await dispose())

  it.each(REFUSED)('%s', async (_what, filter, message) => {
    const refused = { code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) }
    await expect(collection.count({ filter: filter as Filter })).rejects.toMatchObject(refused)
    const which = { filter: filter as Filter }
    await expect(collection.delete(which)).rejects.toMatchObject(refused)
  })
})

describe('on the wire', () => {
  it.each<[string, unknown, number, string, string]>([
    ['a wrong type', { must_not: 'x' }, 400, 'Format error in JSON body: expected an object', 'filter.must_not'],
    ['a name of the library', { mustNot: [] }, 400, 'Format error in JSON body: expected a known', 'filter.mustNot'],
    ['a wrong id', { must: { has_id: [-1] } }, 400, 'Format error in JSON body: expected an', 'filter.must.has_id[0]'],
    ['no slice', { must: { slice: { total: 0, index: 0 } } }, 400, 'Format error in JSON', 'filter.must.slice.total'],
    [
      'a slice beyond its total, and a key alone',
      { must: [{ slice: { total: 2, index: 2 } }, { key: 'a' }] },
      422,
      'Validation error in JSON body: [count_request.filter.must[0].slice: ' +
        'Validation error: Slice index must be less than the total number of slices [{}]; ' +
        'count_request.filter.must[1].__all__: Validation error: At least one field condition must be specified [{}]]',
      'filter.must[0].slice',
    ],
    [
      'a number of conditions that excludes nothing',
      { min_should: { conditions: [{ key: 'a', is_empty: true }], min_count: 0 } },
      422,
      'Validation error in JSON body: [count_request.filter.min_should.min_count: min_count must be greater than 0]',
      'filter.min_should.min_count',
    ],
  ])('%s', async (_what, filter, status, error, field) => {
    const database = await open(':memory:')
    onTestFinished(() => database.close())
    const service = await startService({ database })
    await service.call('PUT', '/collections/c', { vectors: { size: 1, distance: 'Dot' } })
    const answer = await service.call('POST', '/collections/c/points/count', { filter })
    expect(answer.status, answer.text).toBe(status)
    expect(answer.json.status).toMatchObject({
      error: expect.stringContaining(error),
      code: 'INVALID_ARGUMENT',
      details: { field },
    })
  })
})
