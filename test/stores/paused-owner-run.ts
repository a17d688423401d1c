/**
 * An owner that was stopped while another took its store, and that goes on after the objects which fenced it were
 * removed.
 */
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { parseStore } from '../../src/bucket/address.js'
import { Group } from '../../src/bucket/group.js'
import { startChild } from '../durability/child.js'

/** Half of it is far above what an opening takes on a busy machine: one that takes longer is done again. */
export const MIN_AGE_MS = 6_000
/** Little, so that SlateDB writes its tables and removes objects of its log all the time. */
const MEMORY_BYTES = 256 * 1024
const VALUE = Buffer.alloc(100_000, 7)

const numberOf = (file: string | undefined) => Number((file ?? '').replace('.sst', ''))

/** An owner in a process of its own, on a new store. It writes a key for each line that it reads, and tells the outcome. */
export async function startOwner(dist?: string) {
  const root = mkdtempSync(join(tmpdir(), 'vicinal-paused-'))
  const address = pathToFileURL(root).href
  const options = { stdio: ['pipe', 'pipe', 'inherit'] as ('pipe' | 'inherit')[], ...(dist ? { dist } : {}) }
  const paused = startChild('paused-owner', [address, String(MIN_AGE_MS)], options)
  const exited = once(paused, 'exit')
  const lines = createInterface(paused.stdout as NodeJS.ReadableStream)[Symbol.asyncIterator]()
  const next = async () => (await lines.next()).value as string
  if ((await next()) !== 'ready') throw new Error('the owner ended at once')
  const end = async () => {
    paused.kill('SIGKILL')
    await exited
    rmSync(root, { recursive: true, force: true })
  }
  return { root, address, paused, next, end }
}

/** What the owner says of a write that waited in it, and whether the write is there. */
export async function pausedRound(dist?: string): Promise<{ outcome: string; isThere: boolean }> {
  const { root, address, paused, next: said, end } = await startOwner(dist)
  try {
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
    const outcome = await said()
    await next.close()
    const after = await Group.open(parseStore(address))
    const isThere = (await after.get(Buffer.from('c/late'))) !== null
    await after.close()
    return { outcome, isThere }
  } finally {
    await end()
  }
}
