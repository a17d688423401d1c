import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { open } from '../../../src/index.js'
import { vicinal } from './process.js'

it('vicinal restore takes a snapshot of a collection, or of a database, into a fresh folder', async () => {
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

  const wrong = await vicinal(['restore', at(name), '--data', 'fresh', '--checksum', '0'.repeat(64)], folder)
  expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('checksum') })
  expect(await vicinal(['restore', 'absent', '--data', 'fresh'], folder)).toMatchObject({ code: 1 })
  expect(await vicinal(['restore'], folder)).toMatchObject({ code: 2 })
})
