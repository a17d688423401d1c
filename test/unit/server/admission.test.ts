import { describe, expect, it } from 'vitest'
import { Admission } from '../../../src/server/admission.js'
import { Budgets, forgetRow, sharedBudgets } from '../../../src/server/budgets.js'

const MIB = 1024 * 1024
const bounds = {
  maxConcurrentReads: 2,
  maxConcurrentWrites: 1,
  maxBodyBytesInWork: 10 * MIB,
  maxAnswerBytesInWork: 4 * MIB,
}

describe('Admission', () => {
  it('refuses beyond the bound, says when to retry, and admits the next once one has left', () => {
    const admission = new Admission(bounds)
    admission.enter('read', null)
    admission.enter('read', null)
    expect(() => admission.enter('read', null)).toThrow(
      expect.objectContaining({ code: 'OVERLOADED', retryable: true, retryAfterMs: expect.any(Number) }),
    )
    admission.leave('read', null)
    expect(() => admission.enter('read', null)).not.toThrow()
    expect(admission.inWork).toBe(2)
  })

  it('counts reads and writes separately, and health not at all', () => {
    const admission = new Admission(bounds)
    admission.enter('write', null)
    expect(() => admission.enter('write', null)).toThrow(/writes/)
    expect(() => admission.enter('read', null)).not.toThrow()
    for (let i = 0; i < 10; i++) admission.enter('light', null)
    expect(admission.inWork).toBe(2)
  })

  it('is shared by all threads, and a thread that ends frees its places', () => {
    const cells = sharedBudgets(3)
    const threads = [0, 1, 2].map((row) => new Admission({ ...bounds, maxConcurrentReads: 3 }, { cells, row }))
    const [first, second, third] = threads as [Admission, Admission, Admission]
    for (const admission of threads) admission.enter('read', null)
    for (const admission of threads) expect(() => admission.enter('read', null)).toThrow(/at most 3 reads/)
    expect(first.inWork).toBe(1)
    expect(second.budgets.tryBeyond('writeBytes')).toBe(true)
    expect(third.budgets.tryBeyond('writeBytes')).toBe(false)
    forgetRow(cells, 1)
    third.enter('read', null)
    expect(() => first.enter('read', null)).toThrow(/at most 3 reads/)
    expect(third.budgets.tryBeyond('writeBytes')).toBe(true)
  })

  it('leaves half of everything to others if there are several callers', () => {
    const admission = new Admission({ ...bounds, maxConcurrentReads: 4 })
    for (let i = 0; i < 2; i++) admission.enter('read', 7)
    expect(() => admission.enter('read', 7)).toThrow(/at most 2 reads of one caller/)
    for (let i = 0; i < 2; i++) admission.enter('read', 8)
    expect(() => admission.enter('read', 9)).toThrow(/at most 4 reads at once/)
  })

  it('admits large answers up to their bound, and the only one of a caller whatever its size', () => {
    const admission = new Admission(bounds)
    const end = admission.takeAnswer(9 * MIB, null)
    expect(() => admission.takeAnswer(MIB, null)).toThrow(/large answers/)
    end()
    admission.takeAnswer(MIB, 1)
    expect(() => admission.takeAnswer(2 * MIB, 1)).toThrow(/of one caller/)
    admission.takeAnswer(2 * MIB, 2)
  })

  it('counts bodies of reads and of writes separately', () => {
    const { budgets } = new Admission(bounds)
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
