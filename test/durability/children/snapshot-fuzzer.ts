/**
 * Restores a number of damaged snapshots with valid lengths and checksums. If one is accepted, it inserts, searches,
 * flushes and reads every point. Prints a report as one line of JSON.
 *
 *     snapshot-fuzzer FOLDER RUNS
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Collection, Database } from '../../../src/core/database.js'
import { VicinalError } from '../../../src/core/errors.js'
import { open } from '../../../src/index.js'
import {
  bodyOf,
  bytesField,
  contentOf,
  type Files,
  fieldsOf,
  measured,
  messageOf,
  packed,
  repaired,
  unpacked,
  type WireField,
  wholeField,
  withBody,
  withMessage,
  withRecords,
} from '../../oracle/forged-snapshot.js'
import { Mutations } from '../../oracle/mutations.js'

export interface SnapshotFuzzReport {
  runs: number
  /** By changed part: how many were refused, and how many accepted. */
  refused: Record<string, number>
  taken: Record<string, number>
  violations: string[]
}

const [folder = '', runs = '0'] = process.argv.slice(2)
const AT_ONCE = 2
const POINTS = 2_500
const REFUSALS = ['INVALID_ARGUMENT', 'TOO_LARGE']
/** Acceptable errors of a collection that the trial accepted and that has forged rows. */
const TROUBLES = [...REFUSALS, 'CORRUPT', 'UNSUPPORTED_FORMAT', 'IO_FAILED', 'RESOURCE_EXHAUSTED', 'OVERLOADED']

const mutations = new Mutations('snapshots')
const report: SnapshotFuzzReport = { runs: 0, refused: {}, taken: {}, violations: [] }

async function sourceOf(database: Database): Promise<Files[]> {
  const collection = await database.createCollection('whole', {
    vectors: {
      a: { size: 3, distance: 'Cosine' },
      b: { size: 2, distance: 'Dot', multivectorConfig: { comparator: 'max_sim' } },
    },
    sparseVectors: { words: {} },
  })
  const point = (id: number, round: number) => ({
    id,
    vector: {
      a: [id, round, 1],
      b: [
        [id, 1],
        [round, 2],
      ],
      words: { indices: [id, id + 7], values: [1, 0.5] },
    },
    payload: { id, round, text: `point ${id}` },
  })
  const files: Files[] = []
  const taken = async () => {
    const { name } = await collection.snapshots.create()
    files.push(unpacked(readFileSync(join(folder, 'data/snapshots', name))))
  }
  await collection.upsert(Array.from({ length: POINTS }, (_, id) => point(id, 0)))
  await collection.flush()
  await collection.upsert(Array.from({ length: 100 }, (_, id) => point(id, 1)))
  await collection.flush()
  await taken()
  await collection.delete(Array.from({ length: 2_000 }, (_, id) => id))
  await collection.flush()
  await collection.waitForIndex()
  await collection.upsert(Array.from({ length: 20 }, (_, id) => point(id, 2)))
  await taken()
  return files
}

/** Changes one file of the snapshot. Returns a description of the change, and the archive. */
function changed(files: Files): { what: string; archive: Buffer } {
  const names = [...files.keys()].filter((name) => kindOf(name) !== 'segments')
  const what = mutations.pick([...new Set(names.map(kindOf))])
  const name = mutations.pick(names.filter((each) => kindOf(each) === what))
  const file = files.get(name) as Buffer
  const put = (bytes: Buffer) => new Map(files).set(name, bytes)
  if (name === 'snapshot' || (/manifest$|\.sums$/.test(name) && !name.includes('_versions'))) {
    const body = mutations.value(bodyOf(file))
    const written = withBody(file, JSON.parse(JSON.stringify(body, plain) ?? 'null'))
    return { what, archive: name === 'snapshot' ? packed(put(written)) : measured(put(written)) }
  }
  if (name.includes('_versions') && mutations.below(4) > 0) {
    return { what, archive: repaired(put(withMessage(file, changedFields))) }
  }
  if (what === 'log' && mutations.below(4) > 0) {
    const record = mutations.below(3)
    let number = 0
    const body = (whole: Buffer) => (number++ === record ? mutations.bytes([whole]) : whole)
    return { what, archive: repaired(put(withRecords(file, body))) }
  }
  return { what, archive: repaired(put(mutations.bytes([file]))) }
}

/** The folder of a file, or for a file at the root its name: `versions`, `data`, `manifest`. */
function kindOf(name: string): string {
  const parts = name
    .replace(/^\d+\//, '')
    .replace(/^table\.lance\/_?/, '')
    .split('/')
  return parts[0] as string
}

function plain(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value
}

/** Drops, doubles, moves or changes some fields of a message, at any depth. */
function changedFields(fields: WireField[]): WireField[] {
  const at = mutations.below(fields.length)
  const field = fields[at] as WireField
  const replaced = (...by: WireField[]) => fields.toSpliced(at, 1, ...by)
  const other = mutations.pick([0, 1, 2, 127, 2 ** 31, 2 ** 32 - 1, 2 ** 53 - 1])
  switch (mutations.below(6)) {
    case 0:
      return replaced()
    case 1:
      return replaced(field, field)
    case 2:
      return replaced(wholeField(field.number, other))
    case 3:
      return replaced(field, wholeField(1 + mutations.below(24), other))
  }
  const inner = innerOf(field)
  if (inner === null) return replaced({ number: field.number, bytes: mutations.bytes([Buffer.from(field.bytes)]) })
  return replaced(bytesField(field.number, messageOf(changedFields(inner))))
}

/** The fields inside a field that is a message, or looks like one. */
function innerOf(field: WireField): WireField[] | null {
  try {
    const inner = fieldsOf(contentOf(field))
    return inner.length > 0 ? inner : null
  } catch {
    return null
  }
}

async function use(collection: Collection): Promise<void> {
  const config = (await collection.info()).config.vectors
  const size = config.find(({ name }) => name === 'a')?.size ?? 3
  await collection.upsert([{ id: 9_999, vector: { a: new Array(size).fill(1) } }])
  await collection.query({ query: new Array(size).fill(0.5), using: 'a', limit: 10 })
  await collection.flush()
  for await (const _ of collection.scroll({ withVector: true })) {
    // Reads every point.
  }
  await collection.delete([9_999])
  await collection.waitForIndex()
}

async function runOnce(
  database: Database,
  number: number,
  { what, archive }: ReturnType<typeof changed>,
): Promise<void> {
  const name = `fuzzed-${number}`
  // If the process ends, this file shows the cause.
  writeFileSync(join(folder, `execution-${number}.snapshot`), archive)
  const count = (of: Record<string, number>) => {
    of[what] = (of[what] ?? 0) + 1
  }
  const check = (error: unknown, codes: readonly string[]) => {
    if (error instanceof VicinalError && codes.includes(error.code)) return
    const violation = `execution ${number}, ${what}: ${(error as Error).stack}`
    process.stderr.write(`${violation}\n`)
    report.violations.push(violation)
  }
  const chunks = (async function* () {
    yield archive
  })()
  const collection = await database.recoverCollection(name, { chunks }).catch((error: unknown) => {
    count(report.refused)
    check(error, REFUSALS)
    return null
  })
  if (collection) {
    count(report.taken)
    await use(collection).catch((error: unknown) => check(error, TROUBLES))
    await database.deleteCollection(name)
  }
  rmSync(join(folder, `execution-${number}.snapshot`))
  report.runs++
}

const database = await open(join(folder, 'data'))
const sources = await sourceOf(database)
const whole = await database.collection('whole')
const before = await whole.count()
for (let number = 0; number < Number(runs); number += AT_ONCE) {
  const archives = Array.from({ length: AT_ONCE }, () => changed(mutations.pick(sources)))
  await Promise.all(archives.map((made, i) => runOnce(database, number + i, made)))
}
if ((await whole.count()) !== before) report.violations.push('another collection has changed')
await database.close()
process.stdout.write(`${JSON.stringify(report)}\n`)
