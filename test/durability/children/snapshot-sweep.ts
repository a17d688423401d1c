/**
 * Makes a snapshot and restores it into two collections, one of which exists, again and again. The Nth, the
 * N+stride-th, ... call of the disk fails, until no call fails any more. After each run the disk is healed, the
 * database is opened again, and everything is looked for. Prints a report as one line of JSON.
 *
 *     snapshot-sweep '<SnapshotSweepPlan as JSON>'
 */
import { createHash } from 'node:crypto'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Collection, Database } from '../../../src/core/database.js'
import { VicinalError } from '../../../src/core/errors.js'
import { open } from '../../../src/index.js'
import { type Rule, ShimControl } from '../shim/control.js'

export interface SnapshotSweepPlan {
  root: string
  control: string
  rule: Omit<Rule, 'nth'>
  first: number
  stride: number
  codes: readonly string[]
}

export interface SnapshotSweepReport {
  runs: number
  /** Runs in which making the snapshot, or restoring it, was reported as failed. */
  notMade: number
  notTaken: number
  violations: string[]
}

const plan = JSON.parse(process.argv[2] ?? '') as SnapshotSweepPlan
const control = new ShimControl(plan.control)
const report: SnapshotSweepReport = { runs: 0, notMade: 0, notTaken: 0, violations: [] }
const OPTIONS = { vectors: { size: 2, distance: 'Dot' } } as const
const POINTS = 300
const point = (id: number, by: string) => ({ id, vector: [id, 1], payload: { by } })

for (let nth = plan.first; report.violations.length < 10; nth += plan.stride) {
  const folder = join(plan.root, `run-${nth}`)
  const struck = await runOnce(folder, nth)
  rmSync(folder, { recursive: true, force: true })
  if (!struck) break
  report.runs++
}
process.stdout.write(`${JSON.stringify(report)}\n`)

async function runOnce(folder: string, nth: number): Promise<boolean> {
  const complain = (what: string) => report.violations.push(`call ${nth}: ${what}`)
  const attempt = async <T>(what: string, work: () => Promise<T>): Promise<T | null> => {
    try {
      return await work()
    } catch (error) {
      const code = error instanceof VicinalError ? error.code : 'NO_VICINAL_ERROR'
      if (!plan.codes.includes(code)) complain(`${what}: unclear error ${code}: ${String(error)}`)
      return null
    }
  }
  const database = await open(folder)
  const source = await database.createCollection('source', OPTIONS)
  await source.upsert(Array.from({ length: POINTS }, (_, id) => point(id, 'source')))
  const replaced = await database.createCollection('replaced', OPTIONS)
  await replaced.upsert([point(7, 'before')])
  control.fail({ ...plan.rule, nth })
  const made = await attempt('create', () => source.snapshots.create())
  const location = `file://${folder}/snapshots/${made?.name}`
  const taken = { copy: false, replaced: false }
  for (const name of made ? (['copy', 'replaced'] as const) : []) {
    taken[name] = (await attempt('recover', () => database.recoverCollection(name, { location }))) !== null
  }
  control.heal()
  const injected = control.injected > 0
  // Writes to the untouched collection go on.
  await attempt('write', () => source.upsert([point(POINTS, 'source')]))
  await attempt('close', () => database.close())
  if (!made) report.notMade++
  else if (!taken.copy || !taken.replaced) report.notTaken++
  try {
    await look(await open(folder), folder, made, taken)
  } catch (error) {
    complain(String((error as Error).stack))
  }
  return injected
}

async function look(
  database: Database,
  folder: string,
  made: { name: string; checksum: string } | null,
  taken: { copy: boolean; replaced: boolean },
): Promise<void> {
  try {
    const source = await database.collection('source')
    need((await contentOf(source)) === `${POINTS + 1} of source`, 'the source is as it was')
    const replaced = await contentOf(await database.collection('replaced'))
    const after = `${POINTS} of source`
    need(
      replaced === after || (!taken.replaced && replaced === '1 of before'),
      `the replaced is one or the other: ${replaced}`,
    )
    if (await database.hasCollection('copy')) {
      need((await contentOf(await database.collection('copy'))) === after, 'the copy is whole')
    } else need(!taken.copy, 'the copy is there')
    for (const { name, checksum } of await source.snapshots.list()) {
      const hash = createHash('sha256')
      for await (const chunk of (await source.snapshots.read(name)).chunks) hash.update(chunk)
      need(hash.digest('hex') === checksum, 'a snapshot is whole')
    }
    if (made)
      need(
        (await source.snapshots.list()).some(({ name }) => name === made.name),
        'the snapshot is there',
      )
    const entries = readdirSync(folder).filter((name) => /^(c|tmp|trash)-/.test(name))
    need(entries.length === (await database.collections()).length, `no remains: ${entries.join(' ')}`)
  } finally {
    await database.close()
  }
}

async function contentOf(collection: Collection): Promise<string> {
  const by = new Set<unknown>()
  let count = 0
  for await (const { payload } of collection.scroll()) {
    by.add(payload?.by)
    count++
  }
  return `${count} of ${[...by].join(' ')}`
}

function need(holds: boolean, what: string): void {
  if (!holds) throw new Error(`expected that ${what}`)
}
