/**
 * Tables on a store: commits of an owner that was paused and does not know its successor. Nothing of them may be in the
 * versions that the successor goes on with.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { LanceTable } from '../../../src/storage/lance-table.js'
import { storeTable, type TableHome } from '../../../src/storage/table-home.js'
import { flushBatch, put, rowsMatchCrcs, rowsOf, smallRow } from './flush-batches.js'
import { holding, restoring } from './held-lance.js'

const CONTENTS = { collection: 'photos', vectors: [{ name: 'a', size: 2 }] }
let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'vicinal-late-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const home = (keptMs?: number) =>
  storeTable(pathToFileURL(root).href, {}, 'tables/photos', Number.MAX_SAFE_INTEGER, keptMs)

async function opened(version: number, at: TableHome = home()): Promise<LanceTable> {
  return await LanceTable.at(at, CONTENTS, version)
}

/** Each row as `id@seq`, deletions with a minus. */
async function contents(table: LanceTable): Promise<string> {
  const found: string[] = []
  for await (const part of table.scan(0)) {
    expect(rowsMatchCrcs(part)).toBe(true)
    for (const { id, seq, deleted } of rowsOf(part)) found.push(`${deleted ? '-' : ''}${id}@${seq}`)
  }
  return found.sort().join(' ')
}

/** What a node without a cache finds in the version that a manifest names. */
async function rebuilt(version: number): Promise<string> {
  return await contents(await LanceTable.at(home(), CONTENTS, version, { readOnly: true }))
}

/** An owner whose every change is one commit, and that is gone afterwards: it makes none of them again. */
async function paused(): Promise<{ late: LanceTable; named: number }> {
  const late = await opened(0, { ...home(), restores: false })
  return { late, named: await put(late, smallRow(1, 1), smallRow(2, 2), smallRow(3, 3)) }
}

test('a late commit is not in what the successor commits next', async () => {
  const { late, named } = await paused()
  const next = await opened(named)
  await put(next, smallRow(4, 4))
  await put(late, smallRow(5, 5), smallRow(1, 6)).catch(() => undefined)
  const version = await put(next, smallRow(6, 7))
  expect(await contents(next)).toBe('1@1 2@2 3@3 4@4 6@7')
  expect(await rebuilt(version)).toBe('1@1 2@2 3@3 4@4 6@7')
})

test('a paused owner that makes its change again, over what its successor did, changes nothing', async () => {
  const late = await opened(0)
  const named = await put(late, smallRow(1, 1), smallRow(2, 2))
  const next = await opened(named)
  await put(next, smallRow(4, 4), smallRow(1, 5, true))
  await put(late, smallRow(5, 5), smallRow(1, 3))
  const version = await put(next, smallRow(6, 7))
  expect(await contents(next)).toBe('-1@5 2@2 4@4 6@7')
  expect(await rebuilt(version)).toBe('-1@5 2@2 4@4 6@7')
})

test('a late commit right before the successor opens the table is not in it', async () => {
  const { late, named } = await paused()
  await put(late, smallRow(5, 5))
  const next = await opened(named)
  expect(await contents(next)).toBe('1@1 2@2 3@3')
  const version = await put(next, smallRow(6, 7))
  expect(await contents(next)).toBe('1@1 2@2 3@3 6@7')
  expect(await rebuilt(version)).toBe('1@1 2@2 3@3 6@7')
})

/** Lance looks for the newest version right after it restored one, and finds a change that was made in between. */
test('a late commit while the successor restores its version is not in what that commits next', async () => {
  const { late, named } = await paused()
  const next = await opened(named)
  const after = await put(next, smallRow(4, 4))
  // The late owner makes its own version the newest before it commits: the row of its successor is not in it.
  const again = await opened(named)
  let restored = 0
  const crossed = await opened(
    after,
    restoring(home(), async () => {
      if (restored++ === 0) await again.commit(flushBatch([smallRow(5, 3)], [2]))
    }),
  )
  await put(late, smallRow(6, 5)).catch(() => undefined)
  const version = await put(crossed, smallRow(7, 7))
  expect(restored).toBeGreaterThan(1)
  expect(await contents(crossed)).toBe('1@1 2@2 3@3 4@4 7@7')
  expect(await rebuilt(version)).toBe('1@1 2@2 3@3 4@4 7@7')
})

test('owners that make their versions the newest at the same time go on with their own', async () => {
  const { late, named } = await paused()
  const other = await put(await opened(named), smallRow(4, 4))
  for (let round = 0; round < 20; round++) {
    // Neither version is the newest one, so both are restored.
    await put(late, smallRow(9, round + 10)).catch(() => undefined)
    const seq = 100 + round
    const commits = [put(await opened(named), smallRow(5, seq)), put(await opened(other), smallRow(6, seq))]
    const [first, second] = (await Promise.allSettled(commits)).map(versionOf)
    if (first) expect(await rebuilt(first)).toBe(`1@1 2@2 3@3 5@${seq}`)
    if (second) expect(await rebuilt(second)).toBe(`1@1 2@2 3@3 4@4 6@${seq}`)
  }
})

const versionOf = (settled: PromiseSettledResult<number>) => (settled.status === 'fulfilled' ? settled.value : null)

test('reading a version that is not the newest leaves the table as it is', async () => {
  const { late, named } = await paused()
  const version = await put(late, smallRow(5, 5))
  expect(await contents(await opened(named))).toBe('1@1 2@2 3@3')
  expect(await put(late, smallRow(6, 6))).toBe(version + 1)
})

test('a late row whose delete mark the successor purged does not come back', async () => {
  const { late, named } = await paused()
  const next = await opened(named)
  await put(next, smallRow(5, 5, true), smallRow(2, 6, true))
  expect(await next.compact({ checkpointSeq: 6 })).toBeGreaterThan(named)
  await put(late, smallRow(5, 4)).catch(() => undefined)
  const version = await put(next, smallRow(7, 7))
  expect(await contents(next)).toBe('1@1 3@3 7@7')
  expect(await rebuilt(version)).toBe('1@1 3@3 7@7')
})

for (const step of ['delete', 'optimize'] as const) {
  test(`a late commit before the ${step} of a compaction is not in the compacted version`, async () => {
    const { late, named } = await paused()
    let commits = 0
    const next = await opened(
      named,
      holding(home(), step, async () => {
        if (commits++ === 0) await late.commit(flushBatch([smallRow(5, 5)], [2])).catch(() => undefined)
      }),
    )
    await put(next, smallRow(2, 7, true))
    await put(next, smallRow(8, 8))
    const version = await next.compact({ checkpointSeq: 7 })
    expect(commits).toBeGreaterThan(0)
    expect(await contents(next)).toBe('1@1 3@3 8@8')
    expect(await rebuilt(version)).toBe('1@1 3@3 8@8')
  })
}

test('a compaction leaves the version that is named until another one is', async () => {
  const { late, named } = await paused()
  for (let id = 4; id < 8; id++) await put(late, smallRow(id, id))
  const before = late.version
  const after = await late.compact({ checkpointSeq: 0 })
  expect(after).toBeGreaterThan(before)
  expect(await rebuilt(named)).toBe('1@1 2@2 3@3')
  expect(await rebuilt(before)).toBe('1@1 2@2 3@3 4@4 5@5 6@6 7@7')
})

test('old versions go once a compaction was named for some time, by a table that is opened anew too', async () => {
  const { late } = await paused()
  for (let id = 4; id < 8; id++) await put(late, smallRow(id, id))
  const before = late.version
  const version = await late.compact({ checkpointSeq: 0 })
  await late.removeOldVersions(version)
  // Named less than an hour ago.
  expect(await rebuilt(before)).toBe('1@1 2@2 3@3 4@4 5@5 6@6 7@7')

  const again = await opened(version, home(0))
  const release = again.holdVersions()
  await again.pruneCompacted(version)
  await again.pruneCompacted(before)
  expect(await rebuilt(before)).toBe('1@1 2@2 3@3 4@4 5@5 6@6 7@7')
  release()
  await again.pruneCompacted(version)
  expect(again.version).toBe(version)
  await expect(rebuilt(before)).rejects.toThrow()
  expect(await rebuilt(version)).toBe('1@1 2@2 3@3 4@4 5@5 6@6 7@7')
  expect(await rebuilt(await put(again, smallRow(8, 8)))).toBe('1@1 2@2 3@3 4@4 5@5 6@6 7@7 8@8')
})
