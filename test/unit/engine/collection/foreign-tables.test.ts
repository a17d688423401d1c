/**
 * Snapshots whose Lance tables lead elsewhere: each is refused before Lance follows, and existing data stays unchanged.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import type { Database } from '../../../../src/core/database.js'
import { open } from '../../../../src/index.js'
import {
  bodyOf,
  bytesField,
  type Files,
  measured,
  nameOf,
  repaired,
  unpacked,
  type WireField,
  wholeField,
  withBody,
  within,
  withMessage,
} from '../../../oracle/forged-snapshot.js'

const VERSION = /_versions\/\d+\.manifest$/
const FRAGMENTS = 2
const FILES = 2
const DELETION_FILE = 3
const BASE_PATHS = 18

let scratch: string
let database: Database
/** The snapshot of a collection with rows in several fragments, and deletions. */
let archive: Buffer
/** The table of another database on this machine. */
let victim: string

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'vicinal-foreign-'))
  const secret = await open(join(scratch, 'victim'))
  const theirs = await secret.createCollection('secrets', { vectors: { size: 2, distance: 'Dot' } })
  await theirs.upsert([{ id: 7, vector: [7, 7], payload: { secret: 'theirs' } }])
  await theirs.flush()
  await secret.close()
  const own = readdirSync(join(scratch, 'victim')).find((name) => name.startsWith('c-')) as string
  victim = join(scratch, 'victim', own, 'table.lance')
  database = await open(join(scratch, 'own'))
  const collection = await database.createCollection('things', { vectors: { size: 2, distance: 'Dot' } })
  await collection.upsert(Array.from({ length: 200 }, (_, id) => ({ id, vector: [id, 1], payload: { id } })))
  await collection.flush()
  await collection.upsert([1, 2, 3].map((id) => ({ id, vector: [id, 2] })))
  await collection.flush()
  const { name } = await collection.snapshots.create()
  archive = readFileSync(join(scratch, 'own/snapshots', name))
  // The close writes the catalogue file, which nothing below changes.
  await database.close()
  database = await open(join(scratch, 'own'))
})
afterAll(async () => {
  await database.close()
  rmSync(scratch, { recursive: true })
})

const refused = async (bytes: Buffer, message: RegExp, into = 'things') => {
  const before = readdirSync(scratch, { recursive: true })
  const chunks = (async function* () {
    yield bytes
  })()
  await expect(database.recoverCollection(into, { chunks })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    status: 400,
    message: expect.stringMatching(message),
  })
  expect(readdirSync(scratch, { recursive: true })).toEqual(before)
  expect(await (await database.collection('things')).count()).toBe(200)
}

const changed = (change: (files: Files) => void): Buffer => {
  const files = unpacked(archive)
  change(files)
  return repaired(files)
}
const withVersion = (change: (fields: WireField[]) => WireField[]) =>
  changed((files) => {
    const name = nameOf(files, VERSION)
    files.set(name, withMessage(files.get(name) as Buffer, change))
  })
const inFragments = (change: (fields: WireField[]) => WireField[]) => withVersion(within(FRAGMENTS, change))
const basePath = (path: string, isRoot = true) => {
  const parts = [wholeField(1, 1), ...(isRoot ? [wholeField(3, 1)] : []), bytesField(4, path)]
  return bytesField(BASE_PATHS, Buffer.concat(parts.map(({ bytes }) => bytes)))
}

it('accepts the unchanged snapshot, also after repacking', async () => {
  for (const bytes of [archive, repaired(unpacked(archive)), withVersion((fields) => fields)]) {
    const chunks = (async function* () {
      yield bytes
    })()
    const copy = await database.recoverCollection('copy', { chunks })
    expect(await copy.count()).toBe(200)
    await database.deleteCollection('copy')
  }
})

it('base paths: of another database, whose files are not read', async () => {
  const secret = readdirSync(join(victim, 'data'))[0] as string
  const bytes = withVersion((fields) => [
    ...within(
      FRAGMENTS,
      within(FILES, () => [bytesField(1, secret), wholeField(4, 2), wholeField(5, 1), wholeField(7, 1)]),
    )(fields),
    basePath(victim),
  ])
  await refused(bytes, /field 7 is not expected/)
  await refused(
    withVersion((fields) => [...fields, basePath(victim)]),
    /version: field 18 is not expected/,
  )
})

it('base paths: of a store in the network, which gets no request', async () => {
  let requests = 0
  const store = createServer((_request, response) => {
    requests++
    response.end()
  })
  await new Promise<void>((done) => store.listen(0, '127.0.0.1', done))
  onTestFinished(() => void store.close())
  const endpoint = `http://127.0.0.1:${(store.address() as AddressInfo).port}`
  const environment = {
    AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_REGION: 'us-east-1',
    AWS_ENDPOINT: endpoint,
    AWS_ENDPOINT_URL: endpoint,
    AWS_ALLOW_HTTP: 'true',
  }
  Object.assign(process.env, environment)
  onTestFinished(() => {
    for (const name of Object.keys(environment)) delete process.env[name]
  })
  for (const path of ['s3://bucket/table.lance', 's3+ddb://bucket/table', 'gs://bucket/table', 'az://account/table']) {
    const bytes = withVersion((fields) => [
      ...within(
        FRAGMENTS,
        within(FILES, (file) => [...file, wholeField(7, 1)]),
      )(fields),
      basePath(path),
    ])
    await refused(bytes, /not expected/)
  }
  expect(requests).toBe(0)
})

it('paths out of the table, and files that are not in the archive', async () => {
  const pathTo = (path: string) => inFragments(within(FILES, (file) => [bytesField(1, path), ...file.slice(1)]))
  const inVictim = join(victim, 'data', readdirSync(join(victim, 'data'))[0] as string)
  for (const path of [
    inVictim,
    `../../../../victim/${inVictim}`,
    'absent.lance',
    '',
    '..',
    'a/b.lance',
    's3://b/x.lance',
  ])
    await refused(pathTo(path), /which is not there/)
  await refused(
    inFragments((fields) => [...fields, bytesField(6, bytesField(1, inVictim).bytes)]),
    /field 6 is not/,
  )
  const deleting = within(DELETION_FILE, (fields) => [...fields.filter(({ number }) => number !== 3), wholeField(3, 5)])
  await refused(inFragments(deleting), /_deletions\/.*which is not there/)
  await refused(
    withVersion((fields) => [...fields.filter(({ number }) => number !== 12), bytesField(12, '../x.txn')]),
    /not there/,
  )
  const removed = (pattern: RegExp) => changed((files) => void files.delete(nameOf(files, pattern)))
  await refused(removed(/data\/.*\.lance$/), /which is not there/)
  await refused(removed(VERSION), /manifest of table version \d+ is missing/)
})

it('messages with fields that tables of ours never have', async () => {
  const more = (...fields: WireField[]) => withVersion((before) => [...before, ...fields])
  await refused(more(wholeField(6, 0)), /field 6 /)
  await refused(more(bytesField(16, 'config')), /field 16 /)
  await refused(more(bytesField(20, 'branch')), /field 20 /)
  await refused(more(wholeField(3, 9)), /version.version: expected it once/)
  await refused(
    withVersion((fields) => fields.map((each) => (each.number === 3 ? wholeField(3, 77) : each))),
    /got 77/,
  )
  await refused(
    withVersion((fields) => [...fields.filter(({ number }) => number !== 9), wholeField(9, 17)]),
    /features/,
  )
  await refused(withVersion(within(1, (field) => [...field, bytesField(10, 'metadata')])), /field 10 /)
  const typed = (type: string) =>
    within(1, (field) => [...field.filter(({ number }) => number !== 5), bytesField(5, type)])
  await refused(withVersion(typed('struct')), /of an unexpected type/)
  await refused(withVersion(within(15, () => [bytesField(1, 'lance'), bytesField(2, '0.1')])), /unknown format/)
})

it('files beside those of the version', async () => {
  const added = (name: string, from: RegExp) =>
    changed((files) => void files.set(`0/table.lance/${name}`, files.get(nameOf(files, from)) as Buffer))
  await refused(added('_versions/18446744073709551000.manifest', VERSION), /alone/)
  for (const name of [
    '_versions/latest_version_hint.json',
    '_indices/x',
    '_refs/tags/x',
    'data/x.txt',
    'data/a/b.lance',
  ])
    await refused(added(name, VERSION), /no file of such a name/)
  const more = unpacked(added('data/more.lance', /data\/.*\.lance$/))
  const sums = nameOf(more, /\.sums$/)
  const listed = unpacked(archive).get(sums) as Buffer
  more.set(sums, listed)
  await refused(measured(more), /data\/more\.lance: the file has no checksum/)
  // A name in the list that leads to a file of the machine.
  const list = bodyOf<{ files: Record<string, unknown> }>(listed)
  list.files['../../../../victim/vicinal.lock'] = { bytes: 1, crc: 1 }
  const outside = unpacked(archive).set(sums, withBody(listed, list))
  await refused(measured(outside), /the table has no such file/)
})
