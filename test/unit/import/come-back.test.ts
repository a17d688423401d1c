/** An export comes back as it was: by import, by a stream, and with odd vectors or names. */
import { createReadStream, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import type { Collection } from '../../../src/core/database.js'
import { open } from '../../../src/index.js'
import { serve, vicinal } from '../cli/process.js'
import { digestOf, makeOdd, ODD } from '../export/odd-collection.js'
import { temporaryFolder } from './sample-files.js'

const MINUTES = 600_000
const ARROWS = 'application/vnd.apache.arrow.stream'
const payloads = (collection: Collection) => collection.scrollPage({ withVector: true }).then(({ points }) => points)

test('an exported stream of Arrow is stored by `ingest` as it was', { timeout: MINUTES }, async () => {
  const folder = temporaryFolder()
  const database = await open(join(folder, 'data'))
  const expected = await digestOf(await makeOdd(database, 'odd', 400, 38))
  const texts = await database.createCollection('texts', { ids: 'text', vectors: { size: 1, distance: 'Dot' } })
  await texts.upsert(['5', 'photo.jpg'].map((id) => ({ id, vector: [1], payload: { id } })))
  await database.close()
  for (const name of ['odd', 'texts'])
    expect(await vicinal(['export', `${name}.arrows`, '--collection', name], folder)).toMatchObject({ code: 0 })
  const again = await open(join(folder, 'data'))
  const back = await again.createCollection('back', ODD)
  const type = ARROWS
  expect(await back.ingest(createReadStream(join(folder, 'odd.arrows')), { type })).toMatchObject({ rejected: 0 })
  expect(await digestOf(back)).toEqual(expected)
  const named = await again.createCollection('named', { ids: 'text', vectors: { size: 1, distance: 'Dot' } })
  await named.ingest(createReadStream(join(folder, 'texts.arrows')), { type })
  expect(await payloads(named)).toEqual(await payloads(await again.collection('texts')))
  await again.close()
})

test('collections without vectors, and with one named vector, are imported again', { timeout: MINUTES }, async () => {
  const folder = temporaryFolder()
  const database = await open(join(folder, 'data'))
  const bare = await database.createCollection('bare', { vectors: {} })
  await bare.upsert([{ id: 1, vector: {}, payload: { a: 1 } }])
  const params = { size: 2, distance: 'Dot' } as const
  const named = await database.createCollection('named', { vectors: { vector: params, other: params } })
  await named.upsert([{ id: 1, vector: { vector: [1, 2], other: [3, 4] }, payload: { a: 1 } }])
  const expected = { bare: await payloads(bare), named: await payloads(named) }
  await database.close()
  for (const [name, file] of [
    ['bare', 'bare.parquet'],
    ['bare', 'bare.jsonl'],
    ['named', 'named.arrow'],
  ] as const) {
    expect(await vicinal(['export', file, '--collection', name], folder)).toMatchObject({ code: 0 })
    const args = ['import', file, '--collection', `${file}-back`.replaceAll('.', '-'), '--distance', 'Dot']
    expect(await vicinal(args, folder)).toMatchObject({ code: 0 })
  }
  writeFileSync(join(folder, 'packed.arrow.gz'), gzipSync(readFileSync(join(folder, 'named.arrow'))))
  const packed = ['import', 'packed.arrow.gz', '--collection', 'packed', '--distance', 'Dot']
  expect(await vicinal(packed, folder)).toMatchObject({ code: 0, stdout: 'packed: 1 points\n' })
  const pairs = ['import', 'named.arrow', '--collection', 'pairs', '--vector', 'vector', '--vector', 'other']
  expect(await vicinal([...pairs, '--distance', 'Dot'], folder)).toMatchObject({ code: 0 })
  const inspected = await vicinal(['inspect', 'data'], folder)
  expect(inspected).toMatchObject({ code: 0, stdout: expect.stringContaining('all checksums right') })
  const again = await open(join(folder, 'data'))
  for (const name of ['bare-parquet-back', 'bare-jsonl-back'])
    expect(await payloads(await again.collection(name))).toEqual(expected.bare)
  for (const name of ['named-arrow-back', 'packed'])
    expect(await payloads(await again.collection(name))).toEqual(expected.named)
  const [pair] = await payloads(await again.collection('pairs'))
  expect(pair?.vector).toEqual(expected.named[0]?.vector)
  await again.close()
})

test('a relative folder whose name begins with db is no address of Lance', { timeout: MINUTES }, async () => {
  const folder = temporaryFolder()
  const database = await open(join(folder, 'db'))
  const collection = await database.createCollection('a', { vectors: { size: 2, distance: 'Dot' } })
  await collection.upsert([{ id: 1, vector: [1, 2] }])
  await database.close()
  expect(await vicinal(['inspect', 'db'], folder)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('all checksums right'),
  })
})

test('text ids of a service, and its collections without vectors, come over', { timeout: MINUTES }, async () => {
  const folder = temporaryFolder()
  const { child, url } = await serve([], folder)
  const { connect } = await import('../../../src/client/index.js')
  const service = await connect(url)
  const texts = await service.createCollection('texts', { ids: 'text', vectors: { size: 1, distance: 'Dot' } })
  await texts.upsert(['5', 'photo.jpg'].map((id) => ({ id, vector: [1], payload: { id } })))
  const bare = await service.createCollection('bare', { vectors: {} })
  await bare.upsert([{ id: 1, vector: {}, payload: { a: 1 } }])
  const expected = [await payloads(texts), await payloads(bare)]
  for (const name of ['texts', 'bare']) {
    const args = ['import', '--from-qdrant', `${url}/collections/${name}`, '--collection', name, '--data', 'copy']
    expect(await vicinal(args, folder)).toMatchObject({ code: 0 })
  }
  const copy = await open(join(folder, 'copy'))
  expect([await payloads(await copy.collection('texts')), await payloads(await copy.collection('bare'))]).toEqual(
    expected,
  )
  await copy.close()
  await service.close()
  child.kill('SIGTERM')
})

test('an import stops at a row for the quarantine, and a dry run tells how many there are', {
  timeout: MINUTES,
}, async () => {
  const folder = temporaryFolder()
  const database = await open(join(folder, 'data'))
  const rules = [{ check: 'zero', action: 'quarantine' }] as const
  const vectors = { size: 2, distance: 'Dot' } as const
  await database.createCollection('ruled', { vectors, ingestion: { quarantine: 'aside', rules } })
  await database.close()
  writeFileSync(join(folder, 'rows.jsonl'), '{"id":1,"vector":[1,1]}\n{"id":2,"vector":[0,0]}\n')
  const args = ['import', 'rows.jsonl', '--collection', 'ruled']
  const dry = await vicinal([...args, '--on-error', 'skip', '--dry-run'], folder)
  expect(dry.stderr).toContain('1 of them would be in the quarantine')
  const stopped = await vicinal(args, folder)
  expect(stopped).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/rows\.jsonl: row 1: column vector: .*not zero/),
  })
})
