import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { open } from '../../../src/index.js'
import { bytesField, nameOf, repaired, unpacked, withMessage } from '../../oracle/forged-snapshot.js'
import { serve, vicinal } from './process.js'

const JSON_BODY = { 'content-type': 'application/json' }

it('vicinal restore restores a snapshot of a collection, or of a database, into a new folder', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vicinal-restore-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const source = await open(join(folder, 'source'))
  const one = await source.createCollection('one', { vectors: { size: 1, distance: 'Dot' } })
  await one.upsert([1, 2, 3].map((id) => ({ id, vector: [id] })))
  await source.createCollection('two', { vectors: { size: 1, distance: 'Dot' } })
  await source.updateAliases([{ createAlias: { aliasName: 'alias', collectionName: 'one' } }])
  const { name, checksum } = await one.snapshots.create()
  const all = await source.snapshots.create()
  await source.close()

  const at = (file: string) => join(folder, 'source/snapshots', file)
  const renamed = await vicinal(
    ['restore', at(name), '--data', 'fresh', '--collection', 'copy', '--checksum', checksum],
    folder,
  )
  expect(renamed).toMatchObject({ code: 0, stdout: 'vicinal: restored copy: 3 points, in fresh\n' })
  expect(await vicinal(['restore', at(name), '--data', 'fresh'], folder)).toMatchObject({ code: 0 })
  const whole = await vicinal(['restore', at(all.name), '--data', 'whole'], folder)
  expect(whole.stdout.split('\n')).toEqual([
    'vicinal: restored one: 3 points, in whole',
    'vicinal: restored two: 0 points, in whole',
    '',
  ])
  const fresh = await open(join(folder, 'fresh'))
  expect(await fresh.collections()).toEqual(['copy', 'one'])
  await fresh.close()
  const restored = await open(join(folder, 'whole'))
  expect(await (await restored.collection('alias')).count()).toBe(3)
  await restored.close()

  const wrong = await vicinal(['restore', at(name), '--data', 'none', '--checksum', '0'.repeat(64)], folder)
  expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('checksum') })
  expect(await vicinal(['restore', 'absent', '--data', 'fresh'], folder)).toMatchObject({ code: 1 })
  expect(await vicinal(['restore'], folder)).toMatchObject({ code: 2 })
})

it('vicinal restore replaces existing data only with --force', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vicinal-restore-force-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const source = await open(join(folder, 'data'))
  const one = await source.createCollection('one', { vectors: { size: 1, distance: 'Dot' } })
  await one.upsert([1, 2, 3].map((id) => ({ id, vector: [id] })))
  const { name } = await one.snapshots.create()
  const all = await source.snapshots.create()
  await one.delete([1])
  await source.close()
  const at = (file: string) => join(folder, 'data/snapshots', file)
  const count = async () => {
    const database = await open(join(folder, 'data'))
    const counted = await (await database.collection('one')).count()
    await database.close()
    return counted
  }
  for (const args of [[at(name)], [at(name), '--collection', 'one'], [at(all.name)]]) {
    const refused = await vicinal(['restore', ...args, '--data', 'data'], folder)
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toBe(
      'vicinal: ALREADY_EXISTS: Wrong input: Collection `one` already exists! --force replaces it.\n',
    )
    expect(await count()).toBe(2)
  }
  const forced = await vicinal(['restore', at(name), '--data', 'data', '--force'], folder)
  expect(forced).toMatchObject({ code: 0, stdout: 'vicinal: restored one: 3 points, in data\n' })
  expect(await count()).toBe(3)
})

it('vicinal restore and serve refuse a snapshot whose table leads elsewhere', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vicinal-restore-forged-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const source = await open(join(folder, 'source'))
  const one = await source.createCollection('one', { vectors: { size: 1, distance: 'Dot' } })
  await one.upsert([{ id: 1, vector: [1] }])
  await one.flush()
  const { name } = await one.snapshots.create()
  await source.close()
  const files = unpacked(readFileSync(join(folder, 'source/snapshots', name)))
  const version = nameOf(files, /_versions/)
  const base = bytesField(18, bytesField(4, 's3://bucket/table.lance').bytes)
  files.set(
    version,
    withMessage(files.get(version) as Buffer, (fields) => [...fields, base]),
  )
  writeFileSync(join(folder, 'forged'), repaired(files))
  for (const args of [
    ['restore', 'forged', '--data', 'fresh'],
    ['serve', '--data', 'fresh', '--port', '0', '--snapshot', 'forged'],
  ]) {
    const refused = await vicinal(args, folder)
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('field 18 is not expected') })
  }
  expect(readdirSync(join(folder, 'fresh')).filter((entry) => /^(c|tmp)-/.test(entry))).toEqual([])
})

it('vicinal serve restores snapshots before it answers, and replaces existing data only on request', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vicinal-start-snapshots-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const source = await open(join(folder, 'source'))
  const one = await source.createCollection('one', { vectors: { size: 1, distance: 'Dot' } })
  await one.upsert([1, 2, 3].map((id) => ({ id, vector: [id] })))
  const { name } = await one.snapshots.create()
  const all = await source.snapshots.create()
  await source.close()
  const at = (file: string) => join('source/snapshots', file)
  const countOf = async (url: string, collection: string) => {
    const answer = await fetch(`${url}/collections/${collection}/points/count`, {
      method: 'POST',
      body: '{}',
      headers: JSON_BODY,
    })
    return ((await answer.json()) as { result: { count: number } }).result.count
  }
  const started = async (...args: string[]) => {
    const { child, url } = await serve(['--data', 'data', ...args], folder)
    const counts = { one: await countOf(url, 'one').catch(() => -1), copy: await countOf(url, 'copy').catch(() => -1) }
    await fetch(`${url}/collections/one/points/delete?wait=true`, {
      method: 'POST',
      body: '{"points":[1]}',
      headers: JSON_BODY,
    })
    child.kill('SIGTERM')
    await once(child, 'close')
    return counts
  }
  expect(await started('--snapshot', at(name), '--snapshot', `${at(name)}:copy`)).toEqual({ one: 3, copy: 3 })
  const refused = await vicinal(['serve', '--data', 'data', '--port', '0', '--snapshot', `${at(name)}:one`], folder)
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('`one` already exists') })
  expect(await started()).toEqual({ one: 2, copy: 3 })
  expect(await started('--snapshot', `${at(name)}:one`, '--force-snapshot')).toEqual({ one: 3, copy: 3 })
  const whole = ['serve', '--data', 'data', '--port', '0', '--storage-snapshot', at(all.name)]
  expect(await vicinal(whole, folder)).toMatchObject({ code: 1, stderr: expect.stringContaining('already exists') })
  expect(await started('--storage-snapshot', at(all.name), '--force-snapshot')).toEqual({ one: 3, copy: 3 })
  const absent = await vicinal(['serve', '--data', 'data', '--port', '0', '--snapshot', 'absent:one'], folder)
  expect(absent).toMatchObject({ code: 1, stderr: expect.stringContaining('absent: no such file') })
})
