/** Imports into collections with rules: each row is stored once, in quarantine once, or told once. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { connect } from '../../../src/client/index.js'
import type { Database } from '../../../src/core/database.js'
import type { IngestionRule } from '../../../src/core/schema.js'
import { open } from '../../../src/index.js'
import { type Ended, serve, vicinal } from '../cli/process.js'
import { temporaryFolder } from './sample-files.js'

const MINUTES = 600_000

/** A folder, or the service of one. */
interface Place {
  folder: string
  import(file: string, ...args: string[]): Promise<Ended>
  /** A database to look into between imports. */
  look<T>(work: (database: Database) => Promise<T>): Promise<T>
}

async function placeOf(face: 'folder' | 'service'): Promise<Place> {
  const folder = temporaryFolder()
  const url = face === 'service' ? (await serve(['--data', 'data'], folder)).url : null
  const to = url === null ? [] : ['--url', url]
  return {
    folder,
    import: (file, ...args) => vicinal(['import', file, '--collection', 'photos', ...to, ...args], folder),
    async look(work) {
      const database = url === null ? await open(join(folder, 'data')) : await connect(url)
      try {
        return await work(database)
      } finally {
        await database.close()
      }
    },
  }
}

const withRules = (place: Place, ...rules: readonly IngestionRule[]) =>
  place.look(async (database) => {
    const ingestion = { quarantine: 'aside', rules }
    await database.createCollection('photos', { vectors: { size: 2, distance: 'Dot' }, ingestion })
  })
const counts = (place: Place) =>
  place.look(async (database) => {
    const [photos, aside] = [await database.collection('photos'), await database.collection('aside')]
    return [await photos.count(), await aside.count()]
  })

describe.each(['folder', 'service'] as const)('an import into the %s', (face) => {
  test.each(['flag', 'quarantine'] as const)(
    'stores nothing of a batch with a row that cannot be read, whatever rule there is: missing, %s',
    { timeout: MINUTES },
    async (action) => {
      const place = await placeOf(face)
      await withRules(place, { check: 'missing', action })
      writeFileSync(join(place.folder, 'a.jsonl'), '{"id":1,"vector":[1,2]}\n{"id":2,"vector":[2,1]}\n{"id":3,\n')
      const ran = await place.import('a.jsonl')
      expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining('a.jsonl: row 2: Format error in JSON') })
      expect(await counts(place)).toEqual([0, 0])
    },
  )

  test('leaves rows of a table without a vector to the rule `missing`', { timeout: MINUTES }, async () => {
    const place = await placeOf(face)
    await withRules(place, { check: 'missing', action: 'quarantine' })
    writeFileSync(join(place.folder, 'a.csv'), 'id,embedding\n1,"[1,2]"\n2,\n3,"[2,1]"\n')
    expect(await place.import('a.csv', '--on-error', 'skip')).toMatchObject({ code: 0 })
    expect(await counts(place)).toEqual([2, 1])
    const rules = [{ check: 'missing', action: 'flag' } as const]
    await place.look(async (database) => {
      await (await database.collection('photos')).updateConfig({ ingestion: { rules } })
    })
    expect(await place.import('a.csv', '--restart')).toMatchObject({ code: 0, stdout: 'photos: 3 points\n' })
    // Rules without this check do not judge them: such a row of a table is an accident.
    await place.look(async (database) => {
      const zero = { check: 'zero', action: 'quarantine' } as const
      await (await database.collection('photos')).updateConfig({ ingestion: { quarantine: 'aside', rules: [zero] } })
    })
    for (const onError of ['skip', 'quarantine']) {
      const ran = await place.import('a.csv', '--restart', '--on-error', onError)
      expect(ran).toMatchObject({ code: 0, stderr: expect.stringContaining('expected one of the vectors at least') })
    }
    expect(await counts(place)).toEqual([3, 1])
  })
})
