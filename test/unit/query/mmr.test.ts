import { describe, expect, it } from 'vitest'
import { chooseDiverse } from '../../../src/query/mmr.js'
import { Turns } from '../../../src/query/turns.js'

/** Each step of the selection is far shorter than a turn; all of them together are not. */
const COUNT = 3_000
const SIZE = 4
const candidates = {
  distance: 'Dot' as const,
  query: new Float32Array(SIZE).fill(1),
  vectors: Float32Array.from({ length: COUNT * SIZE }, (_, i) => Math.sin(i)),
  count: COUNT,
  relevance: 0.5,
}

describe('the choice of diverse points', () => {
  it('gives others their turns while it goes on', async () => {
    let turns = 0
    const timer = setInterval(() => {
      turns += 1
    }, 0)
    await chooseDiverse(candidates, COUNT)
    clearInterval(timer)
    expect(turns).toBeGreaterThan(5)
  })

  it('ends soon after its signal fires', async () => {
    const cancel = new AbortController()
    const reason = new Error('enough')
    setTimeout(() => cancel.abort(reason), 5)
    await expect(chooseDiverse(candidates, COUNT, cancel.signal)).rejects.toBe(reason)
  })

  it('has one clock for all its loops', async () => {
    const cancel = new AbortController()
    cancel.abort(new Error('enough'))
    const turns = new Turns(cancel.signal)
    const wait = () => {
      const until = performance.now() + 0.5
      while (performance.now() < until);
    }
    const loops = async () => {
      for (let loop = 0; loop < 20; loop++) await turns.each(1, wait)
    }
    await expect(loops()).rejects.toThrow('enough')
  })
})
