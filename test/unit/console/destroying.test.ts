import { expect, it } from 'vitest'
import { chosenBy, destroys, nameOf } from '../../../src/console/pages/api/destroying.js'
import { routeTable } from '../../../src/server/routes/table.js'

/** Changes that add or replace by id, and take nothing else away. */
const HARMLESS = new Set([
  'PATCH /collections/:name',
  'POST /cluster/recover',
  'POST /collections/:name/cluster',
  'POST /collections/:name/flush',
  'POST /collections/:name/ingest',
  'POST /collections/:name/ingest/repair',
  'POST /collections/:name/points/payload',
  'POST /collections/:name/shards/:shard/snapshots',
  'POST /collections/:name/snapshots',
  'POST /snapshots',
  'PUT /collections/:name',
  'PUT /collections/:name/index',
  'PUT /collections/:name/points',
  'PUT /collections/:name/points/vectors',
  'PUT /collections/:name/quality/reference',
  'PUT /collections/:name/shards',
  'PUT /collections/:name/vectors/:vector',
  'PUT /quotas',
])

it('each change of the service is asked about, unless it is known to take nothing away', () => {
  const changes = routeTable({} as never).filter(({ access, method }) => access === 'write' && method !== 'GET')
  for (const { method, path } of changes) {
    const route = `${method} ${path}`
    const body = '{"operations": [{"delete_points": {}}], "actions": [{"delete_alias": {}}]}'
    expect(destroys(method, path, body), route).toBe(!HARMLESS.has(route))
  }
  expect(destroys('POST', '/collections/aliases', '{"actions": [{"create_alias": {}}]}')).toBe(false)
  expect(destroys('POST', '/collections/x/points/query/batch', '{"searches": [{}]}')).toBe(false)
})

it('what is destroyed as a whole has a name, and points have a number', () => {
  const values = { collection_name: 'photos', snapshot_name: 's.snapshot' }
  const one = '/collections/{collection_name}'
  expect(nameOf('DELETE', one, values, null)).toBe('photos')
  expect(nameOf('DELETE', `${one}/snapshots/{snapshot_name}`, values, null)).toBe('s.snapshot')
  expect(nameOf('PUT', `${one}/snapshots/recover`, values, '{}')).toBe('photos')
  expect(nameOf('POST', `${one}/points/delete`, values, '{}')).toBe(undefined)
  expect(nameOf('DELETE', '/issues', values, null)).toBe(undefined)
  expect(chosenBy('{"points": [1, 2]}')).toEqual({ ids: 2 })
  expect(chosenBy('{"filter": {"must": []}}')).toEqual({ filter: { must: [] } })
  expect(chosenBy('{')).toBe(null)
})
