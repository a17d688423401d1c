import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database } from '../../src/core/database.js'
import { VicinalError } from '../../src/core/errors.js'
import { open } from '../../src/index.js'
import { checkConsistency, checkSearch } from '../oracle/fault-consistency.js'
import { type Lane, observe } from '../oracle/fault-lane.js'
import { Random, runSeed } from '../oracle/fault-random.js'
import { makeLanes, type Progress } from '../oracle/fault-run.js'
import { MAIN, MAIN_OPTIONS } from '../oracle/fault-workload.js'
import { childOutcome, scratchFolder } from './child.js'
import type { RunPlan, RunReport } from './children/lane-runner.js'
import { lastRecords } from './log-records.js'
import { scaled, scaledMinutes } from './soak.js'

const BLOCK_BYTES = 4096
const FLIPS_PER_BLOCK = scaled(1)
const LOG_FLIPS = scaled(40)
const OTHER = 'other'

const seed = runSeed('damage')
const random = new Random(seed)
const scratch = scratchFolder()
const whole = join(scratch, 'whole')
let lanes: Lane[] = []
let progress: Progress[] = []
/** The main collection's folder, relative to the data folder. */
let collection = ''

beforeAll(async () => {
  // Segments from the checkpoint of a close, then changes that are only in the table, then changes only in the log.
  const plan: RunPlan = {
    folder: whole,
    seed,
    lanes: 2,
    options: { ids: 80, bulk: { count: 1_200, every: 1_000 } },
    phases: [
      { steps: 40, next: 'reopen' },
      { steps: 40, next: 'flush' },
      { steps: 30, next: 'go on' },
    ],
    end: 'exit',
  }
  const report = await childOutcome<RunReport>('lane-runner', [JSON.stringify(plan)])
  expect(report.failures).toEqual([])
  progress = report.progress
  lanes = makeLanes(plan.lanes, seed, plan.options)
  // A neighbour that must stay up whatever happens to the main collection.
  const database = await openCopy('neighbour')
  const names = foldersOf(join(scratch, 'neighbour'))
  await (await database.createCollection(OTHER, MAIN_OPTIONS)).upsert([
    { id: 1, vector: { image: new Array(8).fill(1) } },
  ])
  await database.close()
  const [added] = foldersOf(join(scratch, 'neighbour')).filter((name) => !names.includes(name))
  cpSync(join(scratch, 'neighbour', added!), join(whole, added!), { recursive: true })
  collection = foldersOf(whole).find((name) => readdirSync(join(whole, name, 'segments')).length > 0)!
})

afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const foldersOf = (folder: string) => readdirSync(folder).filter((name) => name.startsWith('c-'))

async function openCopy(name: string): Promise<Database> {
  cpSync(whole, join(scratch, name), { recursive: true })
  return await open(join(scratch, name))
}

type Verdict = { what: 'reported' | 'rebuilt' | 'harmless'; message: string }

/** Opens the folder: damage must show as an error or a warning, or have no effect at all. */
async function verdictOf(folder: string): Promise<Verdict> {
  const database = await open(folder)
  try {
    const other = await database.collection(OTHER)
    expect(await other.count(), 'the other collection stays up').toBe(1)
    const main = await database.collection(MAIN)
    const observed = await observe(database)
    const { warnings } = await main.info()
    for (const [i, lane] of lanes.entries()) {
      // Payload indexes and other collections are not in this collection's files.
      if (lane.number === 0) continue
      const { acknowledged, begun } = progress[i]!
      await lane.positionIn(observed, acknowledged, begun)
    }
    if (random.below(8) === 0) await checkConsistency(main, random)
    await checkSearch(main, random)
    return { what: warnings.length > 0 ? 'rebuilt' : 'harmless', message: warnings.join() }
  } catch (error) {
    if (!(error instanceof VicinalError) || (error.code !== 'CORRUPT' && error.code !== 'UNSUPPORTED_FORMAT'))
      throw error
    return { what: 'reported', message: error.message }
  } finally {
    await database.close()
  }
}

/** Flips one bit of a copy and returns the result. */
async function flip(file: string, offset: number): Promise<Verdict> {
  const folder = join(scratch, 'flipped')
  cpSync(whole, folder, { recursive: true })
  const bytes = readFileSync(join(folder, file))
  bytes[offset]! ^= 1 << random.below(8)
  writeFileSync(join(folder, file), bytes)
  try {
    return await verdictOf(folder)
  } catch (cause) {
    throw new Error(`${file}, a bit of byte ${offset} of ${bytes.length} flipped, seed ${seed}: ${String(cause)}`, {
      cause,
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function filesBelow(folder: string): string[] {
  const entries = readdirSync(join(whole, collection, folder), { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(whole.length + 1))
}

/** Flips one bit in each block of each file, `FLIPS_PER_BLOCK` times. */
async function flipEveryBlock(files: readonly string[]): Promise<Verdict[]> {
  const verdicts: Verdict[] = []
  for (const file of files) {
    const { size } = statSync(join(whole, file))
    for (let at = 0; at < size; at += BLOCK_BYTES) {
      for (let i = 0; i < FLIPS_PER_BLOCK; i++) {
        const verdict = await flip(file, at + random.below(Math.min(BLOCK_BYTES, size - at)))
        if (verdict.what !== 'harmless') expect(verdict.message, 'names the file').toContain(namedBy(file))
        verdicts.push(verdict)
      }
    }
  }
  return verdicts
}

/** The text that a message about this file must contain: its name, or the table for Lance's own files. */
const namedBy = (file: string) => (/\.(vlog|vseg|sums)$/.test(file) ? basename(file) : 'table.lance')

describe('one flipped bit', () => {
  it('of a manifest is reported, and other collections stay up', async () => {
    const file = join(collection, 'manifest')
    const { size } = statSync(join(whole, file))
    for (let i = 0; i < 16; i++) expect((await flip(file, random.below(size))).what).toBe('reported')
  })

  it(
    'of a segment costs a rebuild from the table and changes no answer',
    async () => {
      const verdicts = await flipEveryBlock(filesBelow('segments'))
      expect(verdicts.length).toBeGreaterThan(10)
      expect(verdicts.filter(({ what }) => what === 'reported')).toEqual([])
      // Padding between sections is not checked data; everything else is.
      expect(verdicts.filter(({ what }) => what === 'rebuilt').length).toBeGreaterThan(verdicts.length / 2)
    },
    scaledMinutes(3),
  )

  it(
    'of the table is reported or harmless',
    async () => {
      const verdicts = await flipEveryBlock([...filesBelow('table.lance'), ...filesBelow('sums')])
      expect(verdicts.length).toBeGreaterThan(10)
    },
    scaledMinutes(3),
  )

  it(
    'of the log is reported',
    async () => {
      const [file] = filesBelow('log').slice(-1)
      // Damage differs from a power cut only if a later record says that the data was synced. The last record has no
      // later one.
      const [lastAt] = lastRecords(readFileSync(join(whole, file!)), 1)
      for (let i = 0; i < LOG_FLIPS; i++) {
        const { what, message } = await flip(file!, random.below(lastAt!))
        // Data that the table already has is not read again.
        if (what !== 'harmless') expect(message).toContain(basename(file!))
      }
    },
    scaledMinutes(3),
  )
})
