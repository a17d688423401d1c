/**
 * Writes to an S3 store through a proxy that fails on purpose, kills the owner in the middle, and opens the store again.
 * In the end everything acknowledged is there, nothing is invented, and batches are whole.
 */
import type { ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { open } from '../../src/index.js'
import { startChild } from '../durability/child.js'
import { Random } from '../oracle/fault-random.js'
import { type FaultyProxy, startFaultyProxy } from './faulty-proxy.js'
import { startS3 } from './s3-server.js'

const POINTS = 4
/** Of so many requests one is spoilt. */
const ONE_OF = 5
/** Operations that each owner ends before it is killed, at least and at most. */
const OPERATIONS = { least: 12, most: 40 }
/** An owner with fewer faults has shown nothing, and goes on. */
const LEAST_FAULTS = 3

export interface FaultPlan {
  seed: number
  rounds: number
  /** Half of it is the time in which a batch counts, and objects of the log are held for longer. Null: the default. */
  minAgeMs: number | null
}

export interface FaultRun {
  acknowledged: number
  refused: number
  unknown: number
  /** How often an owner opened its database again, since the outcome of a batch was unknown. */
  reopened: number
  faults: Record<string, number>
}

interface TheTold {
  batches: Map<number, Told>
  reopened: number
}

/** What an owner said of one batch. */
interface Told {
  upsert: 'done' | 'refused' | 'unknown'
  remove?: 'done' | 'refused' | 'unknown'
}

export const accessOf = (port: number) => ({
  AWS_ENDPOINT: `http://127.0.0.1:${port}`,
  AWS_ACCESS_KEY_ID: 'id',
  AWS_SECRET_ACCESS_KEY: 'key-of-the-store',
  AWS_REGION: 'us-east-1',
})

/** Rejects with what was lost or invented, or as void where too little happened. */
export async function runFaults({ seed, rounds, minAgeMs }: FaultPlan): Promise<FaultRun> {
  const random = new Random(seed)
  const server = await startS3('bucket')
  const proxy = await startFaultyProxy(server.port, random)
  if (minAgeMs !== null) proxy.holdMs = minAgeMs / 2 + 500
  const root = mkdtempSync(join(tmpdir(), 'vicinal-faults-'))
  const address = `s3://bucket/${randomUUID()}/prefix`
  const told: TheTold = { batches: new Map(), reopened: 0 }
  try {
    for (let round = 0; round < rounds; round++) {
      // Every other owner has lost its cache.
      const cache = join(root, `cache-${random.below(2)}`)
      await oneOwner({
        minAgeMs,
        address,
        cache,
        proxy,
        told,
        operations: Math.floor(random.between(OPERATIONS.least, OPERATIONS.most)),
      })
    }
    Object.assign(process.env, accessOf(server.port))
    const faults = Object.fromEntries(proxy.injected)
    await check(address, join(root, 'last'), told.batches)
    const ended = (how: Told['upsert']) =>
      [...told.batches.values()].filter(({ upsert, remove }) => (remove ?? upsert) === how).length
    return {
      acknowledged: ended('done'),
      refused: ended('refused'),
      unknown: ended('unknown'),
      reopened: told.reopened,
      faults,
    }
  } finally {
    for (const name of Object.keys(accessOf(0))) delete process.env[name]
    proxy.stop()
    server.stop()
    rmSync(root, { recursive: true, force: true })
  }
}

interface OwnersRound {
  address: string
  cache: string
  proxy: FaultyProxy
  minAgeMs: number | null
  told: TheTold
  operations: number
}

/** One owner, from its start until it is killed. */
async function oneOwner({ minAgeMs, address, cache, proxy, told, operations }: OwnersRound): Promise<void> {
  const first = Math.max(-1, ...told.batches.keys()) + 1
  const owner = startChild('store-writer', [address, cache, String(first), String(minAgeMs ?? '')], {
    env: accessOf(proxy.port),
  })
  const exited = once(owner, 'exit')
  owner.stderr?.pipe(process.stderr)
  const faults = () => [...proxy.injected.values()].reduce((sum, count) => sum + count, 0)
  const before = faults()
  let ended = 0
  const isVoid = () => ended < operations || faults() - before < LEAST_FAULTS
  try {
    for await (const line of createInterface(owner.stdout as NodeJS.ReadableStream)) {
      if (line === 'open') proxy.oneOf = ONE_OF
      ended += note(line, told.batches)
      if (line === 'reopened') told.reopened++
      if (!isVoid()) break
    }
  } finally {
    proxy.oneOf = 0
    await kill(owner, exited)
  }
  if (isVoid()) throw new Error(`void: the owner ended by itself after ${ended} of ${operations} operations`)
}

async function kill(owner: ChildProcess, exited: Promise<unknown>): Promise<void> {
  owner.kill('SIGKILL')
  await exited
}

/** Returns 1 for the end of an operation. */
function note(line: string, told: Map<number, Told>): number {
  const found = /^(begin|done|failed|lost) (upsert|delete) (\d+) ?(.*)$/.exec(line)
  if (!found) return 0
  const [, event, what, number, reason = ''] = found
  const batch = Number(number)
  if (event === 'lost') throw new Error(`an acknowledged batch was not found: ${line}`)
  // A failure that says that the store does not have the write is no unknown outcome.
  const isRefused = /the store does not have the write/.test(reason)
  const outcome = event === 'done' ? 'done' : isRefused ? 'refused' : 'unknown'
  if (what === 'upsert') told.set(batch, { upsert: outcome })
  else told.set(batch, { upsert: 'done', remove: outcome })
  return event === 'begin' ? 0 : 1
}

async function check(address: string, cache: string, told: ReadonlyMap<number, Told>): Promise<void> {
  const database = await open(address, { cache })
  const present = new Map<number, number>()
  for await (const { id, payload } of (await database.collection('things')).scroll()) {
    const batch = Math.floor(Number(id) / POINTS)
    if ((payload as { batch: number }).batch !== batch) throw new Error(`point ${id} has the payload of another batch`)
    present.set(batch, (present.get(batch) ?? 0) + 1)
  }
  await database.close()
  for (const [batch, points] of present) {
    if (!told.has(batch)) throw new Error(`batch ${batch} was never written`)
    if (points !== POINTS) throw new Error(`batch ${batch} has ${points} of ${POINTS} points`)
  }
  for (const [batch, { upsert, remove }] of told) {
    const isThere = present.has(batch)
    const mustBe = upsert === 'done' && (remove === undefined || remove === 'refused')
    const mustNotBe = upsert === 'refused' || remove === 'done'
    if (mustBe && !isThere) throw new Error(`batch ${batch} was acknowledged and is lost`)
    if (mustNotBe && isThere) throw new Error(`batch ${batch} is there: upsert ${upsert}, delete ${remove}`)
  }
}
