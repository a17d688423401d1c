/** How `ingest` is called: with odd arguments, and with names of sources in any letters. */
import { expect, it } from 'vitest'
import { open } from '../../src/index.js'
import { createServer } from '../../src/server/app.js'
import { openFace } from './faces.js'

const NDJSON = { type: 'application/x-ndjson' } as const
const line = (id: number) => Buffer.from(`{"id":${id},"vector":[1,1]}\n`)

async function service() {
  const database = await open(':memory:')
  const server = createServer({ database, port: 0, logLevel: 'silent' })
  const url = await server.listen()
  const dispose = async () => {
    await server.close()
    await database.close()
  }
  return { database, dispose, url }
}

it.each(['library', 'service'] as const)(
  'takes points without options, and refuses what is no stream: %s',
  async (face) => {
    const { database, dispose } = await openFace(face)
    const collection = await database.createCollection('called', { vectors: { size: 2, distance: 'Dot' } })
    expect(await collection.ingest([{ id: 1, vector: [1, 1] }])).toMatchObject({ accepted: 1 })
    for (const wrong of [null, undefined, 7, {}]) {
      const refused = { code: 'INVALID_ARGUMENT', message: expect.stringMatching(/^stream: expected an iterable/) }
      await expect(collection.ingest(wrong as never, {})).rejects.toMatchObject(refused)
    }
    const source = { name: 'Käfer 漢 😀' }
    expect(await collection.ingest([line(2)], { ...NDJSON, source })).toMatchObject({ accepted: 1 })
    expect(await collection.ingestPosition(source.name)).toBe(1)
    await dispose()
  },
)

it('tells a name that is too long by its header', async () => {
  const { database, dispose, url } = await service()
  await database.createCollection('called', { vectors: { size: 2, distance: 'Dot' } })
  const answer = await fetch(`${url}/collections/called/ingest`, {
    method: 'POST',
    headers: { 'content-type': NDJSON.type, 'idempotency-key': 'x'.repeat(300) },
    body: line(1),
  })
  expect(answer.status).toBe(400)
  const { status } = (await answer.json()) as { status: object }
  expect(status).toMatchObject({
    error: 'Wrong input: expected a text of 1 to 255 characters, got 300',
    details: { field: 'Idempotency-Key' },
  })
  await dispose()
})

it('refuses a reference of quality whose filter is misspelt', async () => {
  const { database, dispose, url } = await service()
  await database.createCollection('called', { vectors: { size: 2, distance: 'Dot' } })
  const answer = await fetch(`${url}/collections/called/quality/reference`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: '{"filtr":{}}',
  })
  expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining('filtr')])
  await dispose()
})

it('says that a service is reached by `connect`', async () => {
  await expect(open('http://localhost:6333')).rejects.toThrow(/^folder: .*`connect`.*got "http/)
})
