/** Copies of the shipped code with one rule of a store taken out: the responsible test must find each. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { childOutcome } from '../durability/child.js'
import { alteredDist, brisk, type Edit } from './altered-dist.js'
import { runHistory } from './history-run.js'
import { pausedRound } from './paused-owner-run.js'

/** Where chance decides whether a round shows the fault. */
const MOST_ROUNDS = 8
/** Hundreds of reads, each of which would show it. */
const ROUNDS_OF_NODES = 3
const INTACT = { single: '1@1 2@2 3@3 4@4 6@6', purged: '1@1 3@3 7@7', compaction: '1@1 3@3 8@8' }

async function inChild(name: string, edits: readonly Edit[], rule = ''): Promise<Record<string, string>> {
  const root = mkdtempSync(join(tmpdir(), 'vicinal-sabotage-'))
  try {
    return await childOutcome(name, [root, rule], {}, alteredDist(edits))
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

test('an intact engine passes', async () => {
  expect(await inChild('late-commits', [])).toEqual(INTACT)
  expect(await inChild('store-rules', [], 'replaced')).toEqual({ outcome: 'refused' })
  expect(await inChild('store-rules', [], 'removed')).toEqual({ outcome: 'kept' })
})

const LATE_COMMITS = 'storage/late-commits.js'

test('without the version check of a commit rows of a late commit come back', async () => {
  const edit = { file: LATE_COMMITS, from: 'if (after !== before + 1)', to: 'if (false)' }
  const { single, purged } = await inChild('late-commits', [edit])
  expect(single).toContain('5@5')
  expect(purged).toContain('5@4')
})

test('without the check of what a compaction has, rows of a late commit come back', async () => {
  const edit = { file: LATE_COMMITS, from: 'if (rows === expected.rows && sum === expected.sum)', to: 'if (true)' }
  expect((await inChild('late-commits', [edit])).compaction).toContain('5@5')
})

test('without the time of removal objects go that a reader may be about to open', async () => {
  const edit = { file: 'bucket/removals.js', from: 'nowMs - sinceMs < this.afterMs || ', to: '' }
  expect(await inChild('store-rules', [edit], 'removed')).toEqual({ outcome: 'removed' })
})

test('without the proof of an owner that changes nothing, a replaced one answers from its old state', async () => {
  const edit = { file: 'engine/collection/writer.js', from: 'await log.confirm?.();', to: '' }
  expect(await inChild('store-rules', [edit], 'replaced')).toEqual({ outcome: 'acknowledged' })
})

const COUNTED: readonly Edit[] = [
  { file: 'bucket/counted-batches.js', from: 'if (isLate)', to: 'if (false)' },
  { file: 'bucket/counted-batches.js', from: 'Math.max(0, this.#boundMs', to: 'Math.max(1e9, this.#boundMs' },
]

test('without the rule on batches that count, a paused owner acknowledges what is lost', async () => {
  const dist = alteredDist(COUNTED)
  const outcomes: string[] = []
  for (let round = 0; round < MOST_ROUNDS && !outcomes.includes('lost'); round++) {
    const { outcome, isThere } = await pausedRound(dist)
    outcomes.push(outcome === 'acknowledged' && !isThere ? 'lost' : outcome)
  }
  expect(outcomes).toContain('lost')
})

/** Rules between nodes: the history finds what becomes of them. */
const OF_NODES: Record<string, Edit> = {
  'a node waits for what it forwarded': {
    file: 'cluster/peer-forwarder.js',
    from: 'await this.#reach(watermark, request);\n        for',
    to: ';\n        for',
  },
  'a read waits for its watermark': {
    file: 'engine/stores/watermark-waits.js',
    from: 'if (!hasReached(position, waiting.wanted))',
    to: 'if (false)',
  },
  'a watermark and a pushed frame have an epoch': {
    file: 'bucket/watermark.js',
    from: 'position.epoch === wanted.epoch ? position.batch >= wanted.batch : position.epoch > wanted.epoch',
    to: 'position.batch >= wanted.batch',
  },
}

/** What runs now and then would go stale unseen. */
test('the code has every place that a sabotage changes', () => {
  alteredDist(COUNTED)
  for (const edit of Object.values(OF_NODES)) alteredDist([...brisk('file'), edit])
  alteredDist(brisk('s3'))
})

test.each(Object.keys(OF_NODES))('without the rule that %s, a history is wrong', async (rule) => {
  const dist = alteredDist([...brisk('file'), OF_NODES[rule] as Edit])
  const roles = ['write,query', 'write,query', 'query']
  const run = runHistory({
    store: 'file',
    seed: 1,
    rounds: ROUNDS_OF_NODES,
    roles,
    only: /stopped past its heartbeat/,
    dist,
  })
  await expect(run).rejects.toThrow(/showed .*expected|expected at least|doesn't exist/)
})
