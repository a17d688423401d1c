import { describe, expect, it } from 'vitest'
import { Budgets, forgetRow, sharedBudgets } from '../../../src/server/budgets.js'
import { Places } from '../../../src/server/places.js'

const MIB = 1024 * 1024
const bounds = {
  maxConcurrentReads: 2,
  maxConcurrentWrites: 1,
  maxBodyBytesInWork: 10 * MIB,
  maxAnswerBytesInWork: 4 * MIB,
}

describe('Places', () => {
  it('refuses beyond the bound, says when to retry, and admits the next once one has left', () => {
    const places = new Places(bounds)
    places.enter('read', null)
    places.enter('read', null)
    expect(() => places.enter('read', null)).toThrow(
      expect.objectContaining({ code: 'OVERLOADED', retryable: true, retryAfterMs: expect.any(Number) }),
    )
    places.leave('read', null)
    expect(() => places.enter('read', null)).not.toThrow()
    expect(places.inWork).toBe(2)
  })

  it('counts reads and writes separately, and health not at all', () => {
    const places = new Places(bounds)
    places.enter('write', null)
    expect(() => places.enter('write', null)).toThrow(/writes/)
    expect(() => places.enter('read', null)).not.toThrow()
    for (let i = 0; i < 10; i++) places.enter('light', null)
    expect(places.inWork).toBe(2)
  })

  it('is shared by all threads, and a thread that ends frees its places', () => {
    const cells = sharedBudgets(3)
    const threads = [0, 1, 2].map((row) => new Places({ ...bounds, maxConcurrentReads: 3 }, { cells, row }))
    const [first, second, third] = threads as [Places, Places, Places]
    for (const places of threads) places.enter('read', null)
    for (const places of threads) expect(() => places.enter('read', null)).toThrow(/at most 3 reads/)
    expect(first.inWork).toBe(1)
    expect(second.budgets.tryBeyond('writeBytes')).toBe(true)
    expect(third.budgets.tryBeyond('writeBytes')).toBe(false)
    forgetRow(cells, 1)
    third.enter('read', null)
    expect(() => first.enter('read', null)).toThrow(/at most 3 reads/)
    expect(third.budgets.tryBeyond('writeBytes')).toBe(true)
  })

  it('leaves half of everything to others if there are several callers', () => {
    const places = new Places({ ...bounds, maxConcurrentReads: 4 })
    for (let i = 0; i < 2; i++) places.enter('read', 7)
    expect(() => places.enter('read', 7)).toThrow(/at most 2 reads of one caller/)
    for (let i = 0; i < 2; i++) places.enter('read', 8)
    expect(() => places.enter('read', 9)).toThrow(/at most 4 reads at once/)
  })

  it('admits large answers up to their bound, and the only one of a caller whatever its size', () => {
    const places = new Places(bounds)
    const end = places.takeAnswer(9 * MIB, null)
    expect(() => places.takeAnswer(MIB, null)).toThrow(/large answers/)
    end()
    places.takeAnswer(MIB, 1)
    expect(() => places.takeAnswer(2 * MIB, 1)).toThrow(/of one caller/)
    places.takeAnswer(2 * MIB, 2)
  })

  it('counts bodies of reads and of writes separately', () => {
    const { budgets } = new Places(bounds)
    budgets.add('readBytes', 11 * MIB, null)
    expect(budgets.full('readBytes', null)).toBe('bound')
    expect(budgets.full('writeBytes', null)).toBe(null)
  })
})

it('two threads never both take the last place', () => {
  const cells = sharedBudgets(2)
  const [first, second] = [0, 1].map((row) => new Budgets(cells, row, () => 1)) as [Budgets, Budgets]
  for (let i = 0; i < 100; i++) {
    const one = first.take('reads', 1, null)
    const other = second.take('reads', 1, null)
    expect([one, other]).toEqual([null, 'bound'])
    first.give('reads', 1, null)
  }
  expect(first.sum('reads')).toBe(0)
})
