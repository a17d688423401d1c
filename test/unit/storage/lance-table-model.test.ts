import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Disk } from '../../../src/disk/disk.js'
import { LanceTable, type TableSpec } from '../../../src/storage/lance-table.js'
import { flushBatch, type Row, rowsMatchCrcs, rowsOf } from './flush-batches.js'

const STEPS = 120
const IDS = 400

/** A small generator: the seed in the test's name repeats a run. */
function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

async function contentOf(table: LanceTable): Promise<Map<string, Row>> {
  const found = new Map<string, Row>()
  for await (const batch of table.scan(0)) {
    expect(rowsMatchCrcs(batch)).toBe(true)
    for (const row of rowsOf(batch)) {
      expect(found.has(row.id), `id ${row.id} twice`).toBe(false)
      found.set(row.id, row)
    }
  }
  return found
}

const seed = Number(process.env.VICINAL_TEST_SEED ?? Date.now() % 1_000_000)

test(`commits, compactions, clean-ups, reopenings and lost commits in any order (seed ${seed})`, async () => {
  const random = randomOf(seed)
  const root = mkdtempSync(join(tmpdir(), 'vicinal-table-model-'))
  const spec: TableSpec = {
    disk: new Disk(root),
    folder: 'c-1',
    collection: 'model',
    vectors: [{ name: 'v', size: 4 }],
  }
  await spec.disk.makeFolder('c-1')
  let table = await LanceTable.open(spec, 0)
  let expected = new Map<string, Row>()
  let purgedSeq = 0
  let named = 0
  for (let seq = 1; seq <= STEPS; seq++) {
    const step = random(12)
    if (step < 8) {
      const changed = new Map(expected)
      const from = random(IDS)
      const rows = Array.from({ length: 1 + random(60) }, (_, i): Row => {
        const deleted = random(5) === 0
        const vectors = deleted || random(4) === 0 ? [null] : [[seq, i, random(1000) / 7, -1].map(Math.fround)]
        return { id: String((from + i) % IDS), seq, deleted, payload: deleted ? '' : `{"seq":${seq}}`, vectors }
      })
      for (const row of rows) changed.set(row.id, row)
      await table.commit(flushBatch(rows, [4]))
      // One commit in eight is lost: committed, and never synced.
      if (step < 7) {
        await table.syncNewFiles()
        expected = changed
        named = table.version
      }
    } else if (step === 8) {
      purgedSeq = Math.max(purgedSeq, seq - random(20))
      named = await table.compact({ checkpointSeq: purgedSeq })
      for (const [id, row] of expected) if (row.deleted && row.seq <= purgedSeq) expected.delete(id)
    } else if (step === 9) {
      await table.close()
      table = await LanceTable.open(spec, named)
    } else {
      await table.removeOldVersions(named, random(2) * 50)
    }
    if (seq % 10 === 0 || seq === STEPS) {
      await table.close()
      table = await LanceTable.open(spec, named)
      expect(await contentOf(table), `step ${seq}`).toEqual(expected)
    }
  }
  expect(expected.size).toBeGreaterThan(50)
  await table.close()
  rmSync(root, { recursive: true, force: true })
})
