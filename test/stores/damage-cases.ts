/** Damage of a store's objects: seeded cases, a child process that uses each damaged copy, and what may come of it. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ended, startChild } from '../durability/child.js'
import type { CallOutcome, CaseOutcome, DamageCase } from '../durability/children/damaged-store.js'
import type { Random } from '../oracle/fault-random.js'
import { alteredDist, type Edit } from './altered-dist.js'

/** Kinds of objects by their paths. */
const PATHS: Record<string, RegExp> = {
  marker: /^vicinal\.json$/,
  'manifest of the database': /^log\/manifest\//,
  'log of the database': /^log\/wal\//,
  'table of the database': /^log\/compacted\//,
  'compactions of the database': /^log\/compactions\//,
  "version of a collection's table": /_versions\/\d+\.manifest$/,
  'hint of the newest version': /_versions\/latest_version_hint\.json$/,
  "data of a collection's table": /\/data\/[^/]+\.lance$/,
  'deletions of a table': /_deletions\//,
  'transaction of a table': /_transactions\//,
  segment: /^segments\//,
  snapshot: /^snapshots\//,
}
export type Kind = keyof typeof PATHS
export const KINDS: readonly Kind[] = Object.keys(PATHS)

/**
 * Formats of the engines without a checksum, in which a changed bit can be a right value: docs/design/stores.md lists what
 * becomes of them. A process must not end over them, nor hang, nor refuse without a name.
 */
export const UNCHECKED: readonly Kind[] = [
  'manifest of the database',
  "version of a collection's table",
  "data of a collection's table",
  'deletions of a table',
]

/** Of many objects the last ones matter most. */
const LAST = 8
const RUN_BYTES = 16
const RECOVERED_ONE_OF = 4

export function kindOf(file: string): Kind {
  const found = Object.entries(PATHS).find(([, path]) => path.test(file))
  if (!found) throw new Error(`${file} is an object of no kind that is known here`)
  return found[0]
}

/** Objects of a store by kind, the oldest first. */
export function objectsOf(store: string): Map<Kind, string[]> {
  const found = new Map<Kind, string[]>(KINDS.map((kind) => [kind, []]))
  const files = readdirSync(store, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(store.length + 1))
  const changedMs = new Map(files.map((file) => [file, statSync(join(store, file)).mtimeMs]))
  files.sort((a, b) => (changedMs.get(a) as number) - (changedMs.get(b) as number) || (a < b ? -1 : 1))
  for (const file of files) found.get(kindOf(file))?.push(file)
  return found
}

/** Cases of one kind: bits that flip, a run of bytes that changes, a cut, and an empty object; so often each. */
export function casesOf(random: Random, store: string, files: readonly string[], times: number): DamageCase[] {
  const cases: DamageCase[] = []
  const one = (damage: (bytes: number) => Partial<DamageCase>) => {
    const file = random.pick(files.slice(random.pick([-1, -LAST, -files.length])))
    const recovers = kindOf(file) === 'snapshot' || random.below(RECOVERED_ONE_OF) === 0
    cases.push({ file, flips: [], cutTo: null, recovers, ...damage(statSync(join(store, file)).size) })
  }
  const bit = () => 1 << random.below(8)
  for (let i = 0; i < times; i++) {
    for (let flip = 0; flip < 2; flip++) one((bytes) => ({ flips: [[random.below(bytes), bit()]] }))
    one((bytes) => {
      const at = random.below(bytes)
      const places = Array.from({ length: Math.min(RUN_BYTES, bytes - at) }, (_, j) => at + j)
      return { flips: places.map((place) => [place, 1 + random.below(255)]) }
    })
    one((bytes) => ({ cutTo: random.below(bytes) }))
    one(() => ({ cutTo: 0 }))
  }
  return cases
}

/** A case whose process ended or hung. */
export interface Ended {
  ended: string
}

/** SlateDB asks for ever for an object that was cut. */
const SOONER: readonly Edit[] = [
  { file: 'bucket/bounded.js', from: 'ASK_AFTER_MS = 20_000', to: 'ASK_AFTER_MS = 300' },
  { file: 'bucket/bounded.js', from: 'READ_MS = 30_000', to: 'READ_MS = 600' },
  { file: 'bucket/bounded.js', from: 'OPENING_MS = 120_000', to: 'OPENING_MS = 2_000' },
]
/** Far above the time of a case: a hanging one is found by its calls. */
const SILENT_MS = 300_000

/** Uses a damaged copy for each case. A process that ends is a finding of its case, and another one does the rest. */
export async function outcomesOf(root: string, cases: readonly DamageCase[]): Promise<(CaseOutcome | Ended)[]> {
  const outcomes: (CaseOutcome | Ended)[] = []
  while (outcomes.length < cases.length) {
    const child = startChild('damaged-store', ['use', root, JSON.stringify(cases.slice(outcomes.length))], {
      dist: alteredDist(SOONER),
    })
    const before = outcomes.length
    const end = () => void child.kill('SIGKILL')
    let timer = setTimeout(end, SILENT_MS)
    const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
    lines.on('line', (line) => {
      clearTimeout(timer)
      timer = setTimeout(end, SILENT_MS)
      outcomes.push(JSON.parse(line) as CaseOutcome)
    })
    const { code, signal, stderr } = await ended(child)
    clearTimeout(timer)
    if (outcomes.length === cases.length) break
    outcomes.push({ ended: `after ${outcomes.length - before} cases by ${signal ?? `exit code ${code}`}: ${stderr}` })
  }
  return outcomes
}

/** A call on damaged objects may take so long on a busy machine: with the bounds above it takes some seconds. */
const MOST_MS = 30_000
/** Refusals by name. */
const REFUSALS: readonly unknown[] = ['CORRUPT', 'UNSUPPORTED_FORMAT', 'UNAVAILABLE', 'IO_FAILED']
/** The answers to these calls depend on whether the write before was acknowledged. */
const AFTER_WRITE = ['count after it', 'all of it again']

const OTHER_ANSWER = 'another answer: expected'

export interface Verdict {
  /** `unseen`: other answers than without damage. */
  what: 'same' | 'refused' | 'unseen' | 'wrong'
  /** Of a refusal and of a finding. */
  why: string
}

/** The outcome of a case, beside the outcome without damage. */
export function verdictOf(found: CaseOutcome | Ended, whole: CaseOutcome): Verdict {
  if ('ended' in found) return { what: 'wrong', why: `the process ended ${found.ended}` }
  const wrong = (['reader', 'owner'] as const).flatMap((role) => {
    const acknowledged = found[role].find(({ call }) => call === 'write')?.result !== undefined
    return found[role].flatMap((outcome) => {
      const why = findingOf(outcome, whole[role], acknowledged)
      return why === null ? [] : [`${role}, ${outcome.call}: ${why}`]
    })
  })
  if (wrong.length > 0) {
    const isUnseen = wrong.every((why) => why.includes(OTHER_ANSWER))
    return { what: isUnseen ? 'unseen' : 'wrong', why: wrong.join('\n  ') }
  }
  const refused = [...found.reader, ...found.owner].find(({ result }) => result === undefined)
  if (!refused) return { what: 'same', why: '' }
  return { what: 'refused', why: `${refused.call}: ${refused.message?.split('\n')[0]}` }
}

function findingOf(outcome: CallOutcome, whole: readonly CallOutcome[], acknowledged: boolean): string | null {
  const { call, ms, result, code, message } = outcome
  if (ms > MOST_MS) return `it took ${ms} ms`
  // The checksum of the snapshot's entry is given with it.
  if (call === 'recovery' && code === 'INVALID_ARGUMENT' && message?.includes('checksum: expected')) return null
  if (result === undefined) return REFUSALS.includes(code) ? null : `refused by ${code}: ${message}`
  const resultOf = (name: string) => whole.find((other) => other.call === name)?.result
  const expected = [resultOf(call)]
  // A write that was refused may have been obeyed.
  if (AFTER_WRITE.includes(call) && !acknowledged)
    expected.push(resultOf(call === 'count after it' ? 'count' : 'scroll'))
  return expected.includes(result) ? null : `${OTHER_ANSWER} ${expected.join(' or ')}, got ${result}`
}
