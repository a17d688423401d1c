/** Query parameters with little or no meaning on one node; their values are checked all the same. */
import { expect, it, onTestFinished } from 'vitest'
import { open } from '../../src/index.js'
import { startService } from './service.js'

const ONE = '/collections/a'
const POINTS = `${ONE}/points`
const VECTOR = { points: [{ id: 1, vector: [1, 2] }] }

const PARAMETERS: [method: string, path: string, body: unknown, right: string[], wrong: string[]][] = [
  ['POST', `${POINTS}/query`, {}, ['consistency=1', 'consistency=quorum'], ['consistency=0', 'consistency=most']],
  ['GET', `${POINTS}/1`, undefined, ['consistency=all', 'consistency='], ['consistency=1.5']],
  ['PUT', POINTS, VECTOR, ['ordering=weak', 'ordering=strong'], ['ordering=loose', 'ordering=']],
  ['PUT', `${ONE}/index`, { field_name: 'n', field_schema: 'float' }, ['ordering=medium'], ['ordering=1']],
  [
    'GET',
    `${ONE}/optimizations`,
    undefined,
    ['with=queued,idle_segments', 'with=', 'completed_limit=0'],
    ['with=all', 'with=queued,', 'completed_limit=-1', 'completed_limit=x'],
  ],
  ['GET', '/telemetry', undefined, ['details_level=99', 'timeout=5'], ['per_collection=1', 'timeout=0']],
  ['GET', '/metrics', undefined, ['per_collection=true', 'timeout=5'], ['anonymize=1', 'per_collection=', 'timeout=x']],
  ['GET', '/cluster/telemetry', undefined, ['details_level=2'], ['details_level=-1', 'timeout=0']],
  ['PUT', '/quotas', { enabled: false }, ['wait=true'], ['wait=1']],
]

async function started() {
  const database = await open(':memory:')
  onTestFinished(() => database.close())
  const collection = await database.createCollection('a', { vectors: { size: 2, distance: 'Dot' } })
  await collection.upsert([{ id: 1, vector: [1, 2] }])
  return await startService({ database })
}

it.each(PARAMETERS)('%s %s', async (method, path, body, right, wrong) => {
  const service = await started()
  for (const parameter of right) {
    expect(await service.call(method, `${path}?${parameter}`, body), parameter).toMatchObject({ status: 200 })
  }
  for (const parameter of wrong) {
    const answer = await service.call(method, `${path}?${parameter}`, body)
    expect(answer, parameter).toMatchObject({
      status: 400,
      json: { status: { details: { field: parameter.split('=')[0] } } },
    })
  }
})

it('metrics contain no names in anonymous mode', async () => {
  const service = await started()
  const named = (await service.call('GET', '/metrics')).text
  expect(named).toMatch(/collection_points\{id="a"\} 1/)
  const anonymous = (await service.call('GET', '/metrics?anonymize=true')).text
  expect(anonymous).not.toMatch(/id="a"/)
  expect(anonymous).toMatch(/collection_points\{id="[0-9a-f]{64}"\} 1/)
})
