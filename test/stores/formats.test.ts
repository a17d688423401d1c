/** A store of another format is refused by name: by an owner, by a reader, and by a node that only reads. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { parseStore } from '../../src/bucket/address.js'
import { Group } from '../../src/bucket/group.js'
import { manifestKey, recordsKey } from '../../src/bucket/keys.js'
import { open } from '../../src/index.js'
import { encodeChecked } from '../../src/storage/checked-file.js'
import { decodeManifest } from '../../src/storage/manifest.js'
import { vicinal } from '../unit/cli/process.js'

async function madeStore() {
  const root = mkdtempSync(join(tmpdir(), 'vicinal-formats-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const store = pathToFileURL(join(root, 'bucket')).href
  const database = await open(store, { cache: join(root, 'made') })
  const things = await database.createCollection('things', { vectors: { size: 2, distance: 'Dot' } })
  await things.upsert([{ id: 1, vector: [1, 2] }])
  await database.close()
  return { root, store }
}

type Made = Awaited<ReturnType<typeof madeStore>>

/** Opens, counts and closes, as owner or as reader. */
async function used({ root, store }: Made, readOnly: boolean): Promise<number> {
  const database = await open(store, { cache: join(root, 'cache'), readOnly })
  try {
    return await (await database.collection('things')).count()
  } finally {
    await database.close()
  }
}

const marker = (of: object) => JSON.stringify({ vicinal: 'store', format: 1, leastReader: 1, ...of })

test.each([
  ['a newer one', marker({ format: 2, leastReader: 2 }), 'UNSUPPORTED_FORMAT', 'needs a reader of format 2'],
  ['an older one', marker({ format: 0, leastReader: 0 }), 'UNSUPPORTED_FORMAT', 'is of format 0'],
  ['none', marker({ format: undefined }), 'CORRUPT', 'is no marker'],
  ['no JSON', '{', 'CORRUPT', 'is no marker'],
])('a store whose marker has a format that is %s is refused by every node', async (_, text, code, message) => {
  const made = await madeStore()
  writeFileSync(join(made.root, 'bucket/vicinal.json'), text)
  for (const readOnly of [false, true])
    await expect(used(made, readOnly)).rejects.toMatchObject({ code, message: expect.stringContaining(message) })
  for (const role of code === 'UNSUPPORTED_FORMAT' ? ['write,query', 'query'] : []) {
    const args = ['serve', '--port', '0', '--store', made.store, '--cache', join(made.root, role), '--role', role]
    const ended = await vicinal(args, made.root)
    expect([ended.code, ended.stderr]).toEqual([1, expect.stringContaining(message)])
  }
})

test('a newer format that this one still reads is read', async () => {
  const made = await madeStore()
  writeFileSync(join(made.root, 'bucket/vicinal.json'), marker({ format: 2 }))
  expect([await used(made, false), await used(made, true)]).toEqual([1, 1])
})

/** Changes the values of the collection in the store's database, as an owner does. */
async function put({ store }: Made, of: (uuid: string, manifest: Buffer) => [Uint8Array, Uint8Array]): Promise<void> {
  const group = await Group.open(parseStore(store))
  const entry = await group.get(new Uint8Array(Buffer.from('c/things')))
  const { uuid } = JSON.parse(String(Buffer.from(entry as Uint8Array))) as { uuid: string }
  const manifest = Buffer.from((await group.get(manifestKey(uuid))) as Uint8Array)
  await group.write({ puts: [of(uuid, manifest)] })
  await group.close()
}

const VALUES: Record<string, Parameters<typeof put>[1]> = {
  'a manifest': (uuid, manifest) => {
    const kind = { magic: manifest.toString('latin1', 0, 8), formatVersion: 9, leastReader: 9, maxBytes: 1 << 20 }
    return [manifestKey(uuid), new Uint8Array(encodeChecked('manifest', kind, decodeManifest('manifest', manifest)))]
  },
  ...Object.fromEntries(
    [0, 2].map((format) => [
      `records of format ${format}`,
      (uuid: string, manifest: Buffer) => {
        const value = Buffer.alloc(12)
        value.writeUInt32LE(format, 0)
        const { flushedSeq } = decodeManifest('manifest', manifest)
        return [recordsKey(uuid, flushedSeq + 1), new Uint8Array(value)]
      },
    ]),
  ),
}

test.each(Object.entries(VALUES))('%s of another format: the collection is refused', async (_, change) => {
  const made = await madeStore()
  await put(made, change)
  for (const readOnly of [false, true])
    await expect(used(made, readOnly)).rejects.toMatchObject({ code: 'UNSUPPORTED_FORMAT' })
})
