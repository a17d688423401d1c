import { describe, expect, it } from 'vitest'
import type { Hit } from '../../../src/core/database.js'
import { LIMITS } from '../../../src/core/limits.js'
import { encodeIds } from '../../../src/core/point.js'
import { Stop } from '../../../src/core/stop.js'
import { evaluate, type Formula, type FormulaNode } from '../../../src/query/formula.js'
import { scoreByFormula } from '../../../src/query/rescore-formula.js'
import type { Source } from '../../../src/query/source.js'

const UNBOUNDED = { call: undefined, mostBytes: undefined }

const constant = (value: number): FormulaNode => ({ op: 'constant', value })

function formulaOf(root: FormulaNode, parts: Partial<Formula> = {}): Formula {
  return { root, conditions: [], variables: new Map(), scoreDefaults: new Map(), payloadDefaults: new Map(), ...parts }
}

const NOTHING = { score: () => undefined, values: () => [], passes: () => false }

describe('the value of a formula', () => {
  it('looks a key up once, however often it occurs', () => {
    let walks = 0
    const operands = Array.from({ length: 4_095 }, (): FormulaNode => ({ op: 'payload', key: 'n' }))
    const values = () => {
      walks += 1
      return [2]
    }
    expect(evaluate(formulaOf({ op: 'sum', operands }), { ...NOTHING, values })).toBe(8_190)
    expect(walks).toBe(1)
  })

  const huge = constant(1e200)
  const decay = { op: 'decay', kind: 'lin', target: null } as const
  it.each<[string, FormulaNode, RegExp]>([
    ['a product', { op: 'mult', operands: [huge, huge] }, /mult = Infinity/],
    ['a sum', { op: 'sum', operands: [constant(1.7e308), constant(1.7e308)] }, /sum = Infinity/],
    [
      'a product inside a finite term',
      { op: 'div', left: constant(1), right: { op: 'mult', operands: [huge, huge] }, byZeroDefault: null },
      /mult = Infinity/,
    ],
    ['a decay', { ...decay, x: constant(Number.NaN), lambda: 1 }, /lin_decay.*NaN/],
    ['a number beyond float32', constant(1e39), /1e\+39 as float32 = Infinity/],
  ])('refuses %s that is not finite', (_what, root, names) => {
    expect(() => evaluate(formulaOf(root), NOTHING)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(names) }),
    )
  })
})

describe('the conditions of a formula', () => {
  const hits: Hit[] = Array.from({ length: 10 }, (_, id) => ({ id, version: 1, score: 1 }))
  const condition = (ids: number[]) => ({ op: 'hasId' as const, ids: encodeIds(ids) })
  const sumOf = (count: number): FormulaNode => ({
    op: 'sum',
    operands: Array.from({ length: count }, (_, at) => ({ op: 'condition', condition: at })),
  })
  /** Answers the `n`th condition with the points from `n` on. */
  function sourceOf(onSelect: () => void = () => {}) {
    const seen = { running: 0, most: 0, asked: 0 }
    const shard = {
      async selectIds() {
        seen.running += 1
        seen.most = Math.max(seen.most, seen.running)
        const from = seen.asked++
        await new Promise((done) => setImmediate(done))
        seen.running -= 1
        onSelect()
        return encodeIds(hits.slice(from).map(({ id }) => id))
      },
    }
    return { source: { name: 'c', shard, schema: [] } as unknown as Source, seen }
  }

  it('are evaluated one after another, and count where they hold', async () => {
    const conditions = [0, 1, 2].map((id) => condition([id]))
    const { source, seen } = sourceOf()
    const scored = await scoreByFormula(formulaOf(sumOf(3), { conditions }), [hits], { ...UNBOUNDED, source })
    expect(seen).toMatchObject({ asked: 3, most: 1 })
    expect(scored.map(({ id, score }) => [id, score])).toEqual([
      ...[2, 3, 4, 5, 6, 7, 8, 9].map((id) => [id, 3]),
      [1, 2],
      [0, 1],
    ])
  })

  it('are not asked on once the signal fired', async () => {
    const call = new Stop()
    const { source, seen } = sourceOf(() => call.stop(new Error('enough')))
    const conditions = [condition([0]), condition([1])]
    await expect(
      scoreByFormula(formulaOf(sumOf(2), { conditions }), [hits], { ...UNBOUNDED, source, call }),
    ).rejects.toThrow('enough')
    expect(seen.asked).toBe(1)
  })

  it('times points are bounded, and refused before one is evaluated', async () => {
    const { source, seen } = sourceOf()
    const conditions = new Array(LIMITS.formulaConditionPoints / 8).fill(condition([]))
    await expect(
      scoreByFormula(formulaOf(constant(1), { conditions }), [hits], { ...UNBOUNDED, source }),
    ).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(/query\.formula.*16777216/) })
    expect(seen.asked).toBe(0)
  })
})
