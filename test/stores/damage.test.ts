/**
 * Damaged objects of a file store. Owner and reader answer as before, or refuse by name; no process ends, and none hangs. Of
 * formats without a checksum an answer may be another one. The seed repeats a run; VICINAL_SOAK makes it longer.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { childOutcome, scratchFolder } from '../durability/child.js'
import type { CaseOutcome, DamageCase } from '../durability/children/damaged-store.js'
import { scaled, scaledMinutes } from '../durability/soak.js'
import { Random, runSeed } from '../oracle/fault-random.js'
import { casesOf, KINDS, type Kind, objectsOf, outcomesOf, UNCHECKED, type Verdict, verdictOf } from './damage-cases.js'

const UNDAMAGED: DamageCase = { file: null, flips: [], cutTo: null, recovers: true }

const seed = runSeed('damage of a store')
const random = new Random(seed)
const root = scratchFolder()
const store = join(root, 'store')
let objects: Map<Kind, string[]>
let whole: CaseOutcome

beforeAll(async () => {
  await childOutcome('damaged-store', ['make', root])
  objects = objectsOf(store)
  const [outcome] = await outcomesOf(root, [UNDAMAGED])
  whole = outcome as CaseOutcome
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** A case as a person repeats it. */
const told = ({ file, flips, cutTo }: DamageCase) =>
  `${file}, ${cutTo === null ? `bits flipped: ${JSON.stringify(flips)}` : `cut to ${cutTo} bytes`}, seed ${seed}`

async function verdicts(kind: Kind): Promise<Verdict[]> {
  const cases = casesOf(random, store, objects.get(kind) as string[], scaled(1))
  const outcomes = await outcomesOf(root, cases)
  const found = outcomes.map((outcome) => verdictOf(outcome, whole))
  const wrong = found.flatMap(({ what, why }, i) =>
    what === 'wrong' || (what === 'unseen' && !UNCHECKED.includes(kind))
      ? [`${told(cases[i] as DamageCase)}:\n  ${why}`]
      : [],
  )
  expect(wrong.join('\n')).toBe('')
  return found
}

test('an undamaged store has objects of each kind, and answers', () => {
  expect([...objects].filter(([, files]) => files.length === 0)).toEqual([])
  const all = [...whole.reader, ...whole.owner]
  expect(all.filter(({ result }) => result === undefined)).toEqual([])
  expect(verdictOf(whole, whole)).toEqual({ what: 'same', why: '' })
})

describe('one damaged object', () => {
  test.each(KINDS)(
    '%s',
    async (kind) => {
      expect((await verdicts(kind)).length).toBeGreaterThan(0)
    },
    scaledMinutes(2),
  )
})
