/** A store whose values others wrote: paths are made of them, and nothing outside of the cache may change. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { parseStore } from '../../src/bucket/address.js'
import { Group } from '../../src/bucket/group.js'
import { open } from '../../src/index.js'
import { decodeManifest, encodeManifest, type Manifest } from '../../src/storage/manifest.js'

const key = (text: string) => new Uint8Array(Buffer.from(text))
const KEPT = 'what must stay'

/** A store with one collection, another cache for it, and a folder beside that cache. */
async function madeStore() {
  const root = mkdtempSync(join(tmpdir(), 'vicinal-foreign-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const store = pathToFileURL(join(root, 'bucket')).href
  const database = await open(store, { cache: join(root, 'made') })
  const things = await database.createCollection('things', { vectors: { size: 2, distance: 'Dot' } })
  await things.upsert([{ id: 1, vector: [1, 2] }])
  await database.close()
  const beside = join(root, 'beside', 'segments')
  mkdirSync(beside, { recursive: true })
  const file = join(beside, 'file.vseg')
  writeFileSync(file, KEPT)
  return { root, store, cache: join(root, 'cache'), file }
}

/** Puts a value into the store's database, as an owner does. `of` gets the collection's uuid and its manifest's value. */
async function put(
  store: string,
  of: (uuid: string, manifest: Manifest) => [key: string, value: Uint8Array],
): Promise<void> {
  const group = await Group.open(parseStore(store))
  const entry = await group.get(key('c/things'))
  const { uuid } = JSON.parse(String(Buffer.from(entry as Uint8Array))) as { uuid: string }
  const value = (await group.get(key(`m/${uuid}`))) as Uint8Array
  const [name, bytes] = of(uuid, decodeManifest('manifest', Buffer.from(value)))
  await group.write({ puts: [[key(name), bytes]] })
  await group.close()
}

const json = (value: unknown) => key(JSON.stringify(value))
const withManifest = (change: (manifest: Manifest) => object) => (uuid: string, manifest: Manifest) => {
  const changed = { ...manifest, ...change(manifest) } as Manifest
  return [`m/${uuid}`, new Uint8Array(encodeManifest('manifest', changed))] as [string, Uint8Array]
}
const segment = { bytes: 4, crc: 1, overlay: null }
const FOREIGN: Record<string, Parameters<typeof put>[1]> = {
  'a file of a segment': withManifest(() => ({
    segments: [{ ...segment, file: '../../../beside/segments/file.vseg' }],
  })),
  'the uuid of a manifest': withManifest(() => ({ uuid: '../x' })),
  'the uuid of another manifest': withManifest(() => ({ uuid: '11111111-1111-4111-8111-111111111111' })),
  'a configuration out of bounds': withManifest(({ config }) => ({
    config: { ...config, vectors: config.vectors.map((vector) => ({ ...vector, size: 1e9 })) },
  })),
  'the uuid of the catalogue': (uuid) => ['c/things', json({ uuid: `${uuid}/../../../beside` })],
}

test.each(Object.entries(FOREIGN))(
  '%s is refused by owner and reader, and no other file changes',
  async (_, change) => {
    const { store, cache, file } = await madeStore()
    await put(store, change)
    for (const readOnly of [true, false]) {
      const used = async () => {
        const database = await open(store, { cache, readOnly })
        try {
          return await (await database.collection('things')).count()
        } finally {
          await database.close()
        }
      }
      await expect(used()).rejects.toMatchObject({ code: 'CORRUPT' })
      expect(existsSync(file) && readFileSync(file, 'utf8')).toBe(KEPT)
    }
  },
)

test('aliases that are no pairs are told, and everything else works', async () => {
  const { store, cache } = await madeStore()
  await put(store, () => ['a', json([1, 2])])
  const database = await open(store, { cache })
  expect(await (await database.collection('things')).count()).toBe(1)
  await expect(database.aliases()).rejects.toMatchObject({ code: 'CORRUPT' })
  await database.close()
})
