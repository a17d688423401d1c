/** Tokens in Qdrant's published client, unmodified. */
import { QdrantClient } from '@qdrant/js-client-rest'
import { SignJWT } from 'jose'
import { expect, it } from 'vitest'
import { startService } from './service.js'

const KEY = 'a key that may write, of 32 bytes or more'

it('a token opens to the client what it names, and refuses the rest', async () => {
  const { url } = await startService({ apiKeys: [KEY], jwtRbac: true })
  const of = async (claims: object) => {
    const token = await new SignJWT({ ...claims }).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(KEY))
    return new QdrantClient({ url, headers: { 'api-key': token } })
  }
  const manager = await of({ access: 'm' })
  for (const name of ['cities', 'others']) {
    await manager.createCollection(name, { vectors: { size: 2, distance: 'Euclid' } })
    await manager.upsert(name, { wait: true, points: [{ id: 1, vector: [0, 1] }] })
  }
  const reader = await of({ access: [{ collection: 'cities', access: 'r' }] })
  expect(await reader.getCollections()).toEqual({ collections: [{ name: 'cities' }] })
  const { points } = await reader.query('cities', { query: [0, 1], limit: 1 })
  expect(points.map(({ id }) => id)).toEqual([1])
  const more = { wait: true, points: [{ id: 9, vector: [0, 9] }] }
  await expect(reader.upsert('cities', more)).rejects.toMatchObject({ status: 403 })
  await expect(reader.count('others')).rejects.toMatchObject({ status: 403 })
  await expect(reader.deleteCollection('cities')).rejects.toMatchObject({ status: 403 })
  const writer = await of({ access: [{ collection: 'cities', access: 'prw' }] })
  expect(await writer.upsert('cities', more)).toMatchObject({ status: 'completed' })
  const late = await of({ access: 'm', exp: Math.floor(Date.now() / 1000) - 3_600 })
  await expect(late.getCollections()).rejects.toMatchObject({ status: 401 })
})
