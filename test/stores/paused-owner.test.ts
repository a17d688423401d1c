/**
 * An owner that was stopped while another took its store, and that goes on after the objects which fenced it were
 * removed. What it acknowledges then must be there.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { parseStore } from '../../src/bucket/address.js'
import { Group } from '../../src/bucket/group.js'
import { startChild } from '../durability/child.js'

/** Half of it is far above what an opening takes on a busy machine: one that takes longer is done again. */
const MIN_AGE_MS = 6_000
const ROUNDS = 1
/** Little, so that SlateDB writes its tables and removes objects of its log all the time. */
const MEMORY_BYTES = 256 * 1024
const VALUE = Buffer.alloc(100_000, 7)

const numberOf = (file: string | undefined) => Number((file ?? '').replace('.sst', ''))

/** An owner in a process of its own, on a new store. It writes a key for each line that it reads, and tells the outcome. */
async function startOwner() {
  const root = mkdtempSync(join(tmpdir(), 'vicinal-paused-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const address = pathToFileURL(root).href
  const paused = startChild('paused-owner', [address, String(MIN_AGE_MS)], { stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(() => void paused.kill('SIGKILL'))
  const lines = createInterface(paused.stdout as NodeJS.ReadableStream)[Symbol.asyncIterator]()
  expect((await lines.next()).value).toBe('ready')
  return { root, address, paused, lines }
}

test('an owner that was paused, and that nobody followed, finds out what became of its write and goes on', async () => {
  const { address, paused, lines } = await startOwner()
  const outcomes: Record<string, string> = {}
  for (const key of ['c/1', 'c/2', 'c/3', 'c/4']) {
    paused.kill('SIGSTOP')
    paused.stdin?.write(`${key}\n`)
    // Past the bound within which a batch counts, for every second one.
    if (key === 'c/1' || key === 'c/3') await pause(MIN_AGE_MS)
    paused.kill('SIGCONT')
    outcomes[key] = (await lines.next()).value as string
  }
  paused.kill('SIGKILL')
  const after = await Group.open(parseStore(address))
  for (const [key, outcome] of Object.entries(outcomes)) {
    const isThere = (await after.get(Buffer.from(key))) !== null
    expect(outcome, key).toMatch(isThere ? /^acknowledged/ : /^refused: the store does not have the write/)
  }
  expect(Object.values(outcomes)).toContain('acknowledged')
  await after.close()
})

test('a paused owner acknowledges nothing that is lost', async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const { root, address, paused, lines } = await startOwner()
    const log = join(root, 'log', 'wal')
    const last = numberOf(readdirSync(log).sort().at(-1))
    paused.kill('SIGSTOP')
    paused.stdin?.write('c/late\n')

    const open = () => Group.open(parseStore(address), { minAgeMs: MIN_AGE_MS, memoryBytes: MEMORY_BYTES })
    let next = await open()
    // Until the objects are gone that the paused owner would find in its way.
    for (let at = 0; numberOf(readdirSync(log).sort()[0]) <= last + 2; at++) {
      // On a busy machine this owner may be late, too.
      await next.write({ puts: [[Buffer.from(`c/next-${at}`), VALUE]] }).catch(async () => {
        await next.close()
        next = await open()
      })
    }
    paused.kill('SIGCONT')
    const outcome = (await lines.next()).value as string
    await next.close()
    const after = await Group.open(parseStore(address))
    const isThere = (await after.get(Buffer.from('c/late'))) !== null
    await after.close()
    expect(outcome === 'acknowledged' && !isThere, `round ${round}: ${outcome}`).toBe(false)
    expect(outcome, `round ${round}`).toMatch(/^refused/)
    paused.kill('SIGKILL')
  }
})
